/** The Container Runtime Interface, as the kubelet speaks it to a runtime. */
import { fileURLToPath } from "node:url";
import { Client, credentials, Metadata, type ServiceDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** Requests and answers are those of cri.proto. */
export interface Cri {
  readonly ask: <T>(method: string, request: object) => Promise<T>;
  readonly close: () => void;
}

/** Milliseconds after which an answer is not waited for: far beyond what any should take. */
const patienceMs = 30_000;

const service = loadSync(fileURLToPath(new URL("cri.proto", import.meta.url)), {
  keepCase: true,
  longs: Number,
  enums: String,
  defaults: true,
})["runtime.v1.RuntimeService"] as ServiceDefinition;

/** Of the runtime that listens on a unix socket. */
export function openCri(socket: string): Cri {
  const options = {
    // It refuses the socket's path as the name of whom we speak to.
    "grpc.default_authority": "localhost",
    // It may just be starting.
    "grpc.initial_reconnect_backoff_ms": 100,
    "grpc.max_reconnect_backoff_ms": 100,
  };
  const client = new Client(`unix:${socket}`, credentials.createInsecure(), options);
  return {
    ask: <T>(method: string, request: object) =>
      new Promise<T>((resolve, reject) => {
        const found = service[method];
        if (found === undefined)
          throw new Error(`Cannot ask for ${method}: it is not in cri.proto`);
        const { path, requestSerialize, responseDeserialize } = found;
        const deadline = Date.now() + patienceMs;
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          request,
          new Metadata({ waitForReady: true }),
          { deadline },
          (error, answer) => {
            if (error === null) resolve(answer as T);
            else reject(new Error(`${method} failed: ${error.details}`));
          },
        );
      }),
    close: () => client.close(),
  };
}
