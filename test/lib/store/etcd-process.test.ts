import { afterEach, expect, test } from "vitest";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { must } from "../../lab/run.ts";
import { programAt, runtimes } from "../sys/runtimes.ts";

/** A runtime's surroundings, which have no say in where the store is. */
const nobody = "http://127.0.0.1:9";
const proxies = { http_proxy: nobody, https_proxy: nobody, grpc_proxy: nobody, no_proxy: "" };
let etcd: Etcd | undefined;
afterEach(async () => etcd?.stop());

test.each(
  (["bun", "node"] as const).flatMap((runtime) =>
    (["plain", "mutual"] as const).map((tls) => ({ runtime, tls })),
  ),
)("a process under $runtime, TLS $tls, does it all, and ends by itself", async (about) => {
  const { runtime, tls } = about;
  etcd = await startEtcd(tls === "plain" ? {} : { tls });
  const files = etcd.tls === undefined ? [] : [etcd.tls.ca, etcd.tls.cert, etcd.tls.key];
  const program = programAt("../store/etcd-process.ts");
  const argv = [...runtimes[runtime], program, ...etcd.endpoints, ...files];
  const said = await must({ argv, env: { PATH: process.env.PATH ?? "", ...proxies } });
  expect(JSON.parse(said)).toEqual({
    done: true,
    seen: ["/p/a", "/p/s", "/p/s"],
    keys: ["/p/a"],
    end: { reason: "closed" },
  });
});
