/**
 * etcd's protocol, as the etcd3 package has it: in its rpc.proto, read from the disk.
 *
 * An executable of ours has no packages beside it: there build.mjs has put the parsed protocol in
 * the place of the reading.
 */
import { createRequire } from "node:module";
import { loadSync, type Options, type PackageDefinition } from "@grpc/proto-loader";

/** etcd3's: names as they are written, 64 bits as text, what is not sent as its default. */
const options: Options = {
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
};

export function loadProtocol(): PackageDefinition {
  return loadSync(createRequire(import.meta.url).resolve("etcd3/proto/rpc.proto"), options);
}
