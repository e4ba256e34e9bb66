/** `socketplane version`: what this executable is, and what it speaks. */
import { versions } from "../cni/versions.ts";
import { rulesetVersion } from "../sys/nft-version.ts";
import { command } from "./command.ts";
import { show } from "./output.ts";

const columns = ["version", "runtime", "platform", "cni", "openflow", "ovsdb", "etcd", "ruleset"];

export const versionCommand = command({
  name: "version",
  describe: "Show the version, and those of what it speaks",
  about:
    "Show the version of this executable, of the runtime inside, and of what it speaks: CNI with container runtimes, OpenFlow and OVSDB with Open vSwitch, etcd's API; and of its nftables ruleset, which is made anew where another version has made it.",
  examples: [
    ["socketplane version -o json", "For programs"],
    ["socketplane --version", "The number alone"],
  ],
  run: async ({ version, runtime, platform, terminal }, args) => {
    const spoken = { cni: versions, openflow: "1.5", ovsdb: "RFC 7047", etcd: "API v3" };
    const shown = { version, runtime, platform, ...spoken, ruleset: rulesetVersion };
    show(terminal, args.output, shown, columns);
  },
});
