/** Good input of a plugin: a configuration with everything in it, an environment, results. */
import { attachmentEnv } from "../lib/cni/fake-io.ts";

const dns = { nameservers: ["10.2.0.1"], search: ["a.example"], options: ["ndots:5"], domain: "b" };

/** Of each form that a result has had. */
export const results: readonly object[] = [
  {
    cniVersion: "1.1.0",
    interfaces: [
      { name: "spv0", mac: "4a:1d:5a:00:00:01", mtu: 1450, socketPath: "/run/s", pciID: "1:0" },
      { name: "eth0", mac: "02:42:0a:02:00:02", mtu: 1450, sandbox: "/run/netns/c1" },
    ],
    ips: [
      { address: "10.2.0.2/16", gateway: "10.2.0.1", interface: 1 },
      { address: "fd00:2::a02:2/64", gateway: "fd00:2::a02:1", interface: 1 },
    ],
    routes: [{ dst: "0.0.0.0/0", gw: "10.2.0.1", table: 0, scope: 0, mtu: 1400, advmss: 1360 }],
    dns,
  },
  {
    cniVersion: "0.4.0",
    interfaces: [{ name: "eth0", mac: "02:42:0a:02:00:02", sandbox: "/run/netns/c1" }],
    ips: [{ version: "4", address: "10.2.0.2/16", gateway: "10.2.0.1", interface: 0 }],
    routes: [{ dst: "::/0", gw: "fd00:2::a02:1", priority: 1 }],
    dns,
  },
  {
    cniVersion: "0.2.0",
    ip4: { ip: "10.2.0.2/16", gateway: "10.2.0.1", routes: [{ dst: "0.0.0.0/0" }] },
    ip6: { ip: "fd00:2::a02:2/64", routes: [] },
    dns: {},
  },
];

const [result] = results;

export const configuration = {
  cniVersion: "1.1.0",
  name: "web",
  type: "socketplane",
  network: "web",
  subnet: "10.2.0.0/16",
  subnet6: "fd00:2::/64",
  gateway: "10.2.0.1",
  ipRange: "10.2.8.0/21",
  mtu: 1400,
  vni: 7,
  blockLength: 26,
  masquerade: true,
  defaultRoute: false,
  nodeConfig: "/etc/socketplane/node.json",
  ipam: {
    type: "socketplane-ipam",
    ranges: [[{ subnet: "10.2.0.0/16", rangeStart: "10.2.0.9", rangeEnd: "10.2.0.99" }]],
    routes: [{ dst: "192.168.0.0/16", gw: "10.2.0.1", mtu: 1400 }],
    resolvConf: "/etc/resolv.conf",
  },
  args: { cni: { ips: ["10.2.0.9/16"], mac: "02:00:00:00:00:01", labels: [{ key: "a" }] } },
  runtimeConfig: {
    mac: "02:00:00:00:00:02",
    ips: ["10.2.0.9", "fd00::9/64"],
    ipRanges: [[{ subnet: "10.2.0.0/16" }]],
    portMappings: [{ hostPort: 80, containerPort: 80, protocol: "tcp" }],
    bandwidth: { ingressRate: 1, egressRate: 1, ingressBurst: 1, egressBurst: 1 },
    dns: { servers: ["10.2.0.1"] },
    aliases: ["me"],
  },
  capabilities: { portMappings: true },
  prevResult: result,
  "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "eth0" }],
  "cni.dev/attachments": [],
};

export const environment: Readonly<Record<string, string>> = {
  CNI_COMMAND: "ADD",
  ...attachmentEnv,
  CNI_ARGS:
    "IgnoreUnknown=1;IP=10.2.0.9;MAC=02:00:00:00:00:01;K8S_POD_NAME=web-0;SOCKETPLANE_CIDR=10.0.6.1/24",
  CNI_NETNS_OVERRIDE: "0",
};

export const verbs = ["ADD", "CHECK", "DEL", "GC", "STATUS", "VERSION"];

export const nodeJson = {
  node: "host-a",
  store: {
    type: "etcd",
    endpoints: ["https://192.0.2.1:2379"],
    prefix: "/socketplane/v1",
    tls: { ca: "ca.pem", cert: "node.pem", key: "node.key" },
    username: "sp",
    passwordFile: "etcd.pass",
  },
  vtep: { interface: "eth0" },
  ovs: { runDir: "/var/run/openvswitch", bridge: "sp0", datapath: "auto" },
  agent: { listen: "127.0.0.1:9478" },
  runDir: "/run/socketplane",
  logLevel: "warn",
};
