/**
 * The driver of kernel.ts.
 *
 * Sources: rtnetlink(7), linux/genetlink.h, linux/ethtool.h, netdevice(7).
 */
import { Failure } from "../errors.ts";
import {
  decodeAddress,
  decodeNeighbour,
  getNeighbour,
  listAddresses,
  probeNeighbour,
} from "./address-messages.ts";
import { errno, SysError } from "./errno.ts";
import { checksumOffload, checksumOffloadOff } from "./ethtool.ts";
import type { Ffi } from "./ffi.ts";
import { hasGenericFamily } from "./generic-netlink.ts";
import { readFile } from "./io.ts";
import type { Kernel, Links } from "./kernel.ts";
import {
  decodeLink,
  decodeNetnsNumber,
  getLink,
  getNetnsNumber,
  listLinks,
} from "./link-messages.ts";
import type { Message } from "./netlink.ts";
import { openNetlink } from "./netlink-socket.ts";
import { createNetns, inside, openNetns, ownNetns } from "./netns.ts";
import { decodeRoute, listRoutes } from "./route-messages.ts";
import { type Request, requestsOf } from "./rtnetlink.ts";
import { readSysctl, writeSysctl } from "./sysctl.ts";
import { sinceBoot, sleep } from "./time.ts";

const NETLINK_ROUTE = 0;

export function openKernel(ffi: Ffi): Kernel {
  let boot: string | undefined;
  return {
    openNetns: (path) => openNetns(ffi, path),
    ownNetns: () => ownNetns(ffi),
    createNetns: () => createNetns(ffi),
    closeNetns: ({ fd }) => void ffi.call("close", fd),
    links: (netns) =>
      netns === undefined ? openLinks(ffi) : inside(ffi, netns, () => openLinks(ffi)),
    hasGenericFamily: (name) => hasGenericFamily(ffi, name),
    bootId: () => {
      boot ??= bootId(ffi);
      return boot;
    },
    sinceBoot: () => sinceBoot(ffi),
    sleep: (ms) => sleep(ffi, ms),
    writeSysctl: (path, value, netns) =>
      netns === undefined
        ? writeSysctl(ffi, path, value)
        : inside(ffi, netns, () => writeSysctl(ffi, path, value)),
    readSysctl: (path) => readSysctl(ffi, path),
  };
}

/** rtnetlink in the namespace of the calling thread. */
export function openLinks(ffi: Ffi): Links {
  const socket = openNetlink(ffi, NETLINK_ROUTE);
  return {
    get: (name) => {
      const answer = socket.ask(getLink(name));
      if ("body" in answer) return decodeLink(answer.body);
      // ERANGE: no link's name is that long.
      if (answer.errno === errno("ENODEV") || answer.errno === errno("ERANGE")) return undefined;
      throw new SysError(answer.errno, {
        action: "look up",
        subject: `link "${name}"`,
        call: "RTM_GETLINK",
        text: answer.text,
      });
    },
    list: () => socket.dump(listLinks(), "links").map(({ body }) => decodeLink(body)),
    numberOf: ({ fd, path }) => {
      const answer = socket.ask(getNetnsNumber(fd));
      if ("body" in answer) return decodeNetnsNumber(answer.body);
      throw new SysError(answer.errno, {
        action: "look up",
        subject: `network namespace ${path}`,
        call: "RTM_GETNSID",
        text: answer.text,
      });
    },
    addresses: (index) =>
      socket
        .dump(listAddresses(), "addresses")
        .map(({ body }) => decodeAddress(body))
        .filter((found) => found?.index === index)
        .map((found) => found?.address)
        .filter((address) => address !== undefined),
    routes: (tables = "main") =>
      socket
        .dump(listRoutes(), "routes")
        .map(({ body }) => decodeRoute(body))
        .filter((route) => route !== undefined)
        .filter(({ options }) => tables === "all" || options?.table === undefined),
    probe: (index, neighbour) => {
      const answered = socket.ask(getNeighbour(index, neighbour));
      const known = "body" in answered ? answered.body : undefined;
      const before = known && decodeNeighbour(known);
      const probe = probeNeighbour(index, neighbour, known);
      if (probe === undefined) return before;
      const [answer] = socket.acknowledge([probe]);
      if (answer === undefined || answer.errno === 0) return before;
      throw new SysError(answer.errno, {
        action: "probe",
        subject: `a neighbour of link ${index}`,
        call: "RTM_NEWNEIGH",
        text: answer.text,
      });
    },
    apply: (changes) => {
      const requests: Request[] = [];
      for (const change of changes) requests.push(...requestsOf(change));
      const messages: Message[] = [];
      for (const { message } of requests) messages.push(message);
      const answers = socket.acknowledge(messages);
      let index = 0;
      for (const { attempt, forgives } of requests) {
        const { errno: refusal = 0, text } = answers[index] ?? {};
        index += 1;
        if (refusal === 0 || (forgives !== undefined && refusal === errno(forgives))) continue;
        throw new SysError(refusal, { ...attempt(), text });
      }
    },
    checksumOffloadOff: (name) => checksumOffloadOff(ffi, socket.fd, name),
    checksumOffload: (name) => checksumOffload(ffi, socket.fd, name),
    close: socket.close,
  };
}

export function bootId(ffi: Ffi): string {
  const text = readFile(ffi, "/proc/sys/kernel/random/boot_id");
  if (text !== undefined) return text.trim();
  throw new Failure("io", "Cannot read the boot id: /proc is not mounted");
}
