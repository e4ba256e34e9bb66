/**
 * etcd's protocol, as the etcd3 package has it: in its rpc.proto, read from the disk.
 *
 * An executable of ours has no packages beside it: there build.mjs has put the parsed protocol in
 * the place of the reading. Not by @grpc/proto-loader, which describes each message for whom might
 * ask for descriptions: *measured*, a third of what a claim cost a process.
 */
import { createRequire } from "node:module";
import {
  type MethodDefinition,
  makeClientConstructor,
  type ServiceClientConstructor,
} from "@grpc/grpc-js";
import protobuf, { type IConversionOptions, type Method, type Root, type Type } from "protobufjs";

const namespace = "etcdserverpb";

/** What etcd3's types say: 64 bits as text, what is not sent as its default. */
const conversion: IConversionOptions = {
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
};

/** Gives clients of etcd's services ("KV"), whose methods have the names that etcd3 uses. */
export function loadServices(): (service: string) => ServiceClientConstructor {
  const root = readProtocol();
  return (service) => {
    const { methodsArray } = root.lookupService(`${namespace}.${service}`);
    const methods = methodsArray.map((method) => [
      method.name.charAt(0).toLowerCase() + method.name.slice(1),
      definitionOf(root, service, method),
    ]);
    return makeClientConstructor(Object.fromEntries(methods), service);
  };
}

function readProtocol(): Root {
  return new protobuf.Root().loadSync(protocolPath(), { keepCase: true });
}

const protocolPath = () => createRequire(import.meta.url).resolve("etcd3/proto/rpc.proto");

function definitionOf(
  root: Root,
  service: string,
  { name, requestType, responseType, requestStream = false, responseStream = false }: Method,
): MethodDefinition<object, object> {
  const request = codecOf(root.lookupType(`${namespace}.${requestType}`));
  const response = codecOf(root.lookupType(`${namespace}.${responseType}`));
  return {
    path: `/${namespace}.${service}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  };
}

const codecOf = (type: Type) => ({
  serialize: (value: object) => Buffer.from(type.encode(type.fromObject(value)).finish()),
  deserialize: (bytes: Buffer): object => type.toObject(type.decode(bytes), conversion),
});
