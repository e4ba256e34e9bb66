/** What install writes where there is nothing yet: pure; the same as in conf/. */

/** For /etc/cni/net.d. */
export const networkList = `{
  "cniVersion": "1.0.0",
  "name": "web",
  "plugins": [
    {
      "type": "socketplane",
      "network": "web",
      "subnet": "10.2.0.0/16",
      "ipam": { "type": "socketplane-ipam" },
      "capabilities": { "bandwidth": true }
    }
  ]
}
`;

/** All defaults. */
export const nodeJson = `{
  "store": { "type": "file", "path": "/var/lib/socketplane" },
  "ovs": { "runDir": "/var/run/openvswitch", "bridge": "sp0", "datapath": "auto" },
  "agent": { "listen": "127.0.0.1:9478" },
  "runDir": "/run/socketplane"
}
`;
