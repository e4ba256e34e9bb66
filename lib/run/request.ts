/** ADD and DEL of a run's interfaces, as requests to the plugin: pure. See supervise.ts. */
import type { Config } from "../cni/config.ts";
import type { AddRequest, DelRequest } from "../cni/request.ts";
import { nothingRequested, type Requested } from "../cni/requested.ts";
import { newest } from "../cni/versions.ts";
import type { AttachmentId } from "../ipam/assignment.ts";
import type { Ip4 } from "../net/ip4.ts";
import type { Mac } from "../net/mac.ts";
import type { Netns } from "../sys/kernel.ts";

/** What one interface is to be like. */
export interface Wanted {
  /** The network's name. */
  readonly network: string;
  readonly address: Ip4 | undefined;
  readonly mac: Mac | undefined;
}

export const addRequest = (id: AttachmentId, wanted: Wanted, netns: Netns): AddRequest => ({
  command: "ADD",
  ...requestOf(id, { network: wanted.network }),
  netns: netns.path,
  requested: requestedOf(wanted),
  prevResult: undefined,
});

export const delRequest = (id: AttachmentId): DelRequest => ({
  command: "DEL",
  ...requestOf(id, {}),
  netns: undefined,
});

const requestOf = ({ name, containerId, ifname }: AttachmentId, keys: Config["raw"]) => ({
  config: {
    name,
    cniVersion: newest,
    type: undefined,
    ipam: undefined,
    raw: keys,
    // Nothing is delegated, and nobody else reads them.
    bytes: new Uint8Array(),
  },
  env: {},
  containerId,
  ifname,
});

const requestedOf = ({ address, mac }: Wanted): Requested => ({
  ...nothingRequested,
  ips: address === undefined ? [] : [{ family: 4, address, length: undefined }],
  mac,
});
