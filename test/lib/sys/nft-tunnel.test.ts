import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Filter } from "../../../lib/sys/nft.ts";
import { must } from "../../lab/run.ts";
import { insideOf, loadRules, type NftLab, network, openNftLab } from "./nft-lab.ts";

let lab: NftLab;
let netns: string;
let filter: Filter;
beforeEach(() => {
  lab = openNftLab();
  netns = lab.addNetns("tunnel");
  filter = lab.openFilter(netns);
});
afterEach(() => lab.close());

const found = () => insideOf(netns, () => filter.foreignPortDrop(4789, 4));
const input = (policy: string, ...rules: readonly string[]) =>
  `table inet filter { chain input { type filter hook input priority 0; policy ${policy}
    ${rules.join("\n")}
  }; }`;

describe("a chain by which VXLAN's port is dropped", () => {
  test.each([
    ["named", input("accept", "udp dport 4789 drop")],
    ["named", input("drop", "iifname lo accept", "udp dport 4789 counter drop")],
    ["named", input("accept", "udp dport 4789 reject")],
    ["by default", input("drop", 'iifname "lo" accept', "tcp dport 22 accept")],
    ["by default", input("accept", "tcp dport 22 accept", "counter drop")],
  ])("%s: %s", async (how, rules) => {
    await loadRules(netns, rules);
    expect(found()).toEqual({ chain: "inet filter input", how });
  });

  test("on the way out, too", async () => {
    const rule = "udp dport 4789 drop";
    await loadRules(
      netns,
      `table ip mine { chain out { type filter hook output priority 0; ${rule}; }; }`,
    );
    expect(found()).toEqual({ chain: "ip mine out", how: "named" });
  });

  test("by iptables-nft", async () => {
    const iptables = (...argv: readonly string[]) =>
      must({ netns, argv: ["iptables-nft", ...argv] });
    await iptables("-A", "INPUT", "-p", "udp", "--dport", "4789", "-j", "DROP");
    expect(found()).toEqual({ chain: "ip filter INPUT", how: "named" });
    await iptables("-R", "INPUT", "1", "-p", "udp", "--dport", "4789", "-j", "ACCEPT");
    expect(found()).toBeUndefined();
    await iptables("-F", "INPUT");
    await iptables("-P", "INPUT", "DROP");
    expect(found()).toEqual({ chain: "ip filter INPUT", how: "by default" });
  });
});

describe("nothing is said", () => {
  test.each([
    ["where there is nothing", ""],
    ["where it is accepted first", input("drop", "udp dport 4789 accept")],
    ["where all is accepted", input("drop", "accept")],
    ["of another port", input("accept", "udp dport 4790 drop")],
    ["where a set may have it", input("drop", "udp dport { 53, 4789 } accept")],
    [
      "where a chain that it jumps to has it",
      `table inet firewalld { chain zone { udp dport 4789 accept; }
        chain input { type filter hook input priority 0; policy drop; jump zone; }; }`,
    ],
    ["of one link", input("accept", 'iifname "wan0" udp dport 4789 drop')],
    ["of TCP", input("accept", "tcp dport 4789 drop")],
    ["of the port it comes from", input("accept", "udp sport 4789 drop")],
    ["of some machines", input("accept", "ip saddr != 10.0.0.0/8 udp dport 4789 drop")],
    ["of another field", input("accept", "ip id 4789 drop")],
    ["of too much at once", input("accept", "udp dport 4789 limit rate over 9/second drop")],
    ["where some machines are accepted", input("drop", "ip saddr 192.0.2.0/24 accept")],
    ["where a range has it", input("drop", "udp dport 4000-5000 accept")],
    ["where all of UDP is accepted", input("drop", "meta l4proto udp accept")],
    [
      "where some are accepted first",
      input("accept", "udp dport 4789 ip saddr 192.0.2.9 accept", "udp dport 4789 drop"),
    ],
    [
      "of the other family",
      "table ip6 f { chain i { type filter hook input priority 0; policy drop; }; }",
    ],
    [
      "of what is forwarded",
      "table ip filter { chain f { type filter hook forward priority 0; policy drop; }; }",
    ],
  ])("%s", async (_, rules) => {
    if (rules !== "") await loadRules(netns, rules);
    expect(found()).toBeUndefined();
  });

  test("of our own table", () => {
    insideOf(netns, () => filter.add(network("sp-web", "10.2.0.0/16")));
    expect(found()).toBeUndefined();
  });
});
