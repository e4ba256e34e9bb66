/**
 * What is said to Open vSwitch and the kernel: once to real ones, whose replies are kept in
 * recordings/, and then to those replies, broken. Each talk is a connection's first.
 */
import { ensureBridge } from "../../lib/attach/bridge.ts";
import type { Host } from "../../lib/attach/host.ts";
import { givenPort, readPort } from "../../lib/attach/ports.ts";
import { addAttachment, awaitOfport, removeRow } from "../../lib/attach/rows.ts";
import { ourPorts } from "../../lib/attach/sync.ts";
import type { Mac } from "../../lib/net/mac.ts";
import { everyFlow } from "../../lib/overlay/cookies.ts";
import type { Monitoring } from "../../lib/ovs/database.ts";
import type { Ports } from "../../lib/ovs/flows.ts";
import type { Database, Flows } from "../../lib/ovs/switch.ts";
import type { Links } from "../../lib/sys/kernel.ts";
import { noHurry } from "../lib/ovs/recorded.ts";
import { added, ip4, samples } from "../lib/ovs/sample-flows.ts";

export type Talks<Client> = Readonly<Record<string, (client: Client) => unknown>>;

const bridge = "sp0";
const link = "spvfuzz";

/** As much of a node as is asked about the database. */
const hostOn = (database: Database): Host => {
  const host: Pick<Host, "database" | "config" | "kernel"> = {
    database: () => database,
    config: { ovs: { bridge, datapath: "netdev" } } as Host["config"],
    kernel: { hasGenericFamily: () => false } as unknown as Host["kernel"],
  };
  return host as Host;
};

const row = {
  role: "attachment",
  link,
  id: { name: "web", containerId: "c1", ifname: "eth0" },
  network: "web",
  address: ip4(0x0a020003),
  address6: undefined,
  mac: 0x02420a020003 as Mac,
  ofport: 7,
  boot: "3f0e",
  limits: { send: { rate: 8000, burst: 800 }, receive: { rate: 9000, burst: 900 } },
} as const;

/** In an order in which each finds what it speaks of. */
export const databaseTalks: Talks<Database & Monitoring> = {
  "the bridge is made": (database) => ensureBridge(hostOn(database), noHurry),
  "the bridge is there": (database) => ensureBridge(hostOn(database), noHurry),
  "a port is added": (database) => {
    database.transact(addAttachment(bridge, row), noHurry);
    return givenPort(database.send(awaitOfport(link, 5000), noHurry), link, noHurry);
  },
  "it is added again": (database) => database.transact(addAttachment(bridge, row), noHurry),
  "it is looked at": (database) => readPort(hostOn(database), link, noHurry),
  "all are looked at": (database) => ourPorts(hostOn(database), noHurry),
  "rows are watched": (database) =>
    database.monitor({ Bridge: {}, Interface: { columns: ["name", "external_ids"] } }, noHurry),
  "it is removed": (database) => {
    const { uuid } = readPort(hostOn(database), link, noHurry);
    if (uuid !== undefined) database.transact([removeRow(uuid)], noHurry);
  },
  "it is not there": (database) => readPort(hostOn(database), link, noHurry),
};

const some = samples.map(([, flow]) => flow).filter(({ foreign }) => foreign === undefined);
const wrong = { do: "output", port: 0xffff_ff01 } as const;

export const flowTalks: Talks<Flows & Ports> = {
  "meters are put in": (flows) =>
    flows.changeMeters(
      [
        { do: "delete", id: 14 },
        { do: "add", meter: { id: 14, rate: 8000, burst: 800 } },
        { do: "modify", meter: { id: 15, rate: 1, burst: 1 } },
      ],
      noHurry,
    ),
  "meters are read": (flows) => flows.meters(noHurry),
  "flows are put in": (flows) => flows.stage(added(some), noHurry).commit(noHurry),
  "flows are refused": (flows) => {
    const refused = some.slice(0, 2).map((flow) => ({ ...flow, actions: [wrong] }));
    flows.stage(added(refused), noHurry).commit(noHurry);
  },
  "flows are read": (flows) => flows.dump(everyFlow, noHurry),
  "flows are counted": (flows) => flows.aggregate(everyFlow, noHurry),
  "ports are read": (flows) => flows.ports(noHurry),
};

export const kernelTalks: Talks<Links> = {
  "a link": (links) => links.get("sp0"),
  "no link": (links) => links.get("absent0"),
  links: (links) => links.list(),
  addresses: (links) => links.addresses(1),
  routes: (links) => links.routes("all"),
  "a link deleted": (links) => links.apply([{ do: "delete link", name: "absent0" }]),
};
