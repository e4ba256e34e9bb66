/** Images without a registry: one layer with Debian's static busybox, as `docker save` writes it. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { must } from "../lab/run.ts";

export const busybox = "docker.io/library/busybox:latest";
/** What containerd 1.6 starts a pod with. */
const pause = "registry.k8s.io/pause:3.6";

/** Makes both in one archive, somewhere in a folder; gives its path. */
export async function makeImages(place: string): Promise<string> {
  const folder = mkdtempSync(join(place, "images-"));
  const at = (name: string) => join(folder, name);
  const bin = at("root/bin");
  mkdirSync(bin, { recursive: true });
  for (const name of ["tmp", "proc", "sys", "dev", "etc"]) mkdirSync(at(`root/${name}`));
  copyFileSync("/bin/busybox", join(bin, "busybox"));
  for (const name of (await must({ argv: ["/bin/busybox", "--list"] })).split("\n")) {
    if (name !== "busybox" && name !== "") symlinkSync("busybox", join(bin, name));
  }
  const tar = (...argv: readonly string[]) => must({ argv: ["tar", "--owner=0", "-cf", ...argv] });
  await tar(at("layer.tar"), "-C", at("root"), ".");
  const digest = createHash("sha256")
    .update(readFileSync(at("layer.tar")))
    .digest("hex");
  const images = [
    { name: busybox, config: "busybox.json", command: ["sh"] },
    { name: pause, config: "pause.json", command: ["sleep", "1000000"] },
  ];
  for (const { config, command } of images) {
    const json = {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      os: "linux",
      config: { Env: ["PATH=/bin"], Cmd: command },
      rootfs: { type: "layers", diff_ids: [`sha256:${digest}`] },
    };
    writeFileSync(at(config), JSON.stringify(json));
  }
  const manifest = images.map(({ name, config }) => ({
    Config: config,
    RepoTags: [name],
    Layers: ["layer.tar"],
  }));
  writeFileSync(at("manifest.json"), JSON.stringify(manifest));
  const files = ["manifest.json", "layer.tar", ...images.map(({ config }) => config)];
  await tar(at("images.tar"), "-C", folder, ...files);
  return at("images.tar");
}
