/** What the kernel does rarely, said by a kernel of paper; the real one is in kernel-driver.test.ts. */
import { expect, test } from "vitest";
import { errno } from "../../../lib/sys/errno.ts";
import type { Ffi } from "../../../lib/sys/ffi.ts";
import { decodeMessages, encodeMessages, type Message } from "../../../lib/sys/netlink.ts";
import { openNetlink } from "../../../lib/sys/netlink-socket.ts";
import { abiOf } from "../../../lib/sys/syscalls.ts";

const request: Message = { type: 18, flags: 1, head: new Uint8Array(16), attributes: [] };

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const RTM_NEWLINK = 16;
const interrupted = 0x10;

/** One message of an answer: type, sequence number, first word of its body. */
function said(type: number, sequence: number, word = 0, flags = 0): Uint8Array {
  const head = new Uint8Array(Int32Array.of(word).buffer);
  return encodeMessages([{ type, flags, head, attributes: [] }], sequence);
}

/** Gives these datagrams, or errnos, one after the other; `sent` are the sequence numbers it saw. */
function paperKernel(answers: (Uint8Array | number)[]) {
  const sent: number[] = [];
  const ffi: Ffi = {
    abi: abiOf("x64"),
    address: () => 0,
    libc: () => () => 0,
    call: (name, _fd, buffer) => {
      if (name === "sendto" && buffer instanceof Uint8Array) {
        sent.push(...decodeMessages(buffer).map(({ sequence }) => sequence));
        return buffer.length;
      }
      if (name !== "recvfrom" || !(buffer instanceof Uint8Array)) return 0;
      const answer = answers.shift();
      if (answer === undefined) throw new Error("the test has no more answers");
      if (typeof answer === "number") return answer;
      buffer.set(answer.subarray(0, buffer.length));
      return answer.length;
    },
  };
  return { socket: openNetlink(ffi, 0), sent };
}

test("a list that changed while it was given is asked for again", () => {
  const { socket, sent } = paperKernel([
    said(RTM_NEWLINK, 1, 7, interrupted),
    said(NLMSG_DONE, 1),
    Buffer.concat([said(RTM_NEWLINK, 2, 8), said(RTM_NEWLINK, 2, 9)]),
    said(NLMSG_DONE, 2, 0, interrupted),
    said(RTM_NEWLINK, 3, 10),
    said(NLMSG_DONE, 3),
  ]);
  expect(socket.dump(request, "links").map(({ body }) => body[0])).toEqual([10]);
  expect(sent).toEqual([1, 2, 3]);
});

test("a list that never stands still is given up", () => {
  const answers = Array.from({ length: 100 }, (_, at) => said(NLMSG_DONE, at + 1, 0, interrupted));
  const { socket } = paperKernel(answers);
  expect(() => socket.dump(request, "links")).toThrow(
    "Cannot list links: they change all the time",
  );
});

test.each([
  ["at once", [said(NLMSG_ERROR, 1, -1)]],
  ["half-way", [said(RTM_NEWLINK, 1, 7), said(NLMSG_DONE, 1, -1)]],
])("a list that is refused %s is a refusal", (_, answers) => {
  const { socket } = paperKernel(answers);
  expect(() => socket.dump(request, "links")).toThrow(
    "Cannot list links: that is not permitted (EPERM)",
  );
});

test("answers come in any pieces, and each goes to its own request", () => {
  const { socket, sent } = paperKernel([
    said(NLMSG_ERROR, 1, 0),
    Buffer.concat([said(NLMSG_ERROR, 2, -17), said(NLMSG_ERROR, 3, -2)]),
  ]);
  const answers = socket.acknowledge([request, request, request]);
  expect(answers.map((answer) => answer.errno)).toEqual([0, 17, 2]);
  expect(sent).toEqual([1, 2, 3]);
});

test("a signal does not end a wait, and what comes too late is not taken for an answer", () => {
  const { socket } = paperKernel([
    -errno("EINTR"),
    -errno("EAGAIN"),
    said(NLMSG_ERROR, 1, -17),
    said(NLMSG_ERROR, 2, -2),
    said(NLMSG_ERROR, 2, -17),
    said(RTM_NEWLINK, 3, 5),
  ]);
  expect(() => socket.acknowledge([request])).toThrow("no answer in 10000 ms");
  expect(socket.acknowledge([request]).map((answer) => answer.errno)).toEqual([2]);
  expect(socket.ask(request)).toMatchObject({ type: RTM_NEWLINK, sequence: 3 });
});

test("an answer larger than any should be is refused, not read in part", () => {
  const { socket } = paperKernel([new Uint8Array(70_000)]);
  expect(() => socket.acknowledge([request])).toThrow("it has 70000 bytes");
});

test("a long train is sent in parts that the socket has room to answer", () => {
  const errnos = Array.from({ length: 150 }, (_, at) => at);
  const { socket, sent } = paperKernel(errnos.map((one) => said(NLMSG_ERROR, one + 1, -one)));
  const got = socket.acknowledge(Array.from({ length: 150 }, () => request));
  expect(got.map((answer) => answer.errno)).toEqual(errnos);
  expect(sent.length).toBe(150);
});
