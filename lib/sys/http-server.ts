/** A small HTTP server for those who look after this machine; node:http is loaded here, when used. */
import { Failure, reasonOf } from "../errors.ts";
import { bytesOfText } from "../text.ts";

export interface HttpAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface HttpServer {
  readonly close: () => void;
}

export interface Listen {
  readonly host: string;
  readonly port: number;
}

/** Answers GET and HEAD by the path. Throws Failure "io" where the port is taken. */
export async function serveHttp(
  { host, port }: Listen,
  answer: (path: string) => HttpAnswer,
): Promise<HttpServer> {
  const { createServer } = await import("node:http");
  const server = createServer((request, response) => {
    const isRead = request.method === "GET" || request.method === "HEAD";
    const { status, type, body } = isRead
      ? answer((request.url ?? "/").replace(/\?.*/, ""))
      : { status: 405, type: "text/plain", body: "only GET is answered here\n" };
    response.writeHead(status, {
      "content-type": type,
      "content-length": bytesOfText(body).length,
      "cache-control": "no-store",
    });
    response.end(request.method === "HEAD" ? undefined : body);
  });
  // Who is slow, or says nothing, is no burden.
  server.requestTimeout = 5_000;
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (fault) =>
      reject(new Failure("io", `Cannot listen on ${host}:${port}: ${reasonOf(fault)}`)),
    );
    server.listen(port, host, resolve);
  });
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
