import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { networkList, nodeJson } from "../../../lib/service/samples.ts";
import { etcdPrograms, unitOf } from "../../../lib/service/services.ts";
import { agentUnit, etcdUnit } from "../../../lib/service/units.ts";
import { run } from "../../lab/run.ts";

const conf = (name: string) =>
  readFileSync(new URL(`../../../conf/${name}`, import.meta.url), "utf8");

test("conf/ has what install writes", () => {
  expect(conf("socketplane-agent.service")).toBe(agentUnit("/usr/local/bin/socketplane"));
  expect(conf("socketplane-etcd.service")).toBe(etcdUnit(etcdPrograms[0]));
  expect(conf("10-socketplane.conflist")).toBe(networkList);
  expect(conf("node.json")).toBe(nodeJson);
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sp-units-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** What systemd has to say against units, whose programs are there. */
async function verify(texts: Readonly<Record<"agent" | "etcd", string>>): Promise<string> {
  const paths = (["agent", "etcd"] as const).map((name) => {
    const path = join(folder, unitOf(name));
    writeFileSync(path, texts[name]);
    return path;
  });
  const { status, stderr } = await run({ argv: ["systemd-analyze", "verify", ...paths] });
  return status === 0 ? stderr : `${stderr}exit status ${status}`;
}

test("systemd has nothing to say against the units", async () => {
  const program = join(folder, "program");
  writeFileSync(program, "#!/bin/sh\n");
  chmodSync(program, 0o755);
  const texts = { agent: agentUnit(program), etcd: etcdUnit(program) };
  expect(await verify(texts)).toBe("");
  // It does look: at keys, values, and whether there is such a program.
  const spoilt = { ...texts, agent: texts.agent.replace("Restart=always", "Restart=sometimes") };
  expect(await verify(spoilt)).toContain("sometimes");
  expect(await verify({ ...texts, etcd: etcdUnit(join(folder, "none")) })).toContain("none");
});
