/**
 * A program for ffi.test.ts, run under each runtime: what it prints must be the same. Its arguments
 * are a folder of its own and the path of a namespace of its own.
 */
import { openFfi } from "#ffi";
import { deadlineIn } from "../../../lib/deadline.ts";
import { Failure } from "../../../lib/errors.ts";
import { parseIp4 } from "../../../lib/net/ip4.ts";
import { parseIp6 } from "../../../lib/net/ip6.ts";
import { parseMac } from "../../../lib/net/mac.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import { cString, cwd, writeText } from "../../../lib/sys/io.ts";
import { openKernel } from "../../../lib/sys/kernel-driver.ts";

const [, , folder = "", netnsPath = ""] = process.argv;
const ffi = openFfi();

const thrown = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (fault) {
    return fault instanceof Failure ? `${fault.kind}: ${fault.message}` : String(fault);
  }
};

/** Bytes of every size, also those that a runtime keeps apart: small, large, parts of others. */
function bytesPassedThrough(): readonly number[] {
  return [1, 8, 64, 65, 4096, 1 << 20].map((length) => {
    const [at, path] = [cwd, cString(`${folder}/bytes`)];
    const whole = new Uint8Array(length + 7).map((_, index) => index % 251);
    const part = whole.subarray(7);
    const out = ffi.call("openat", at, path, 0o1101, 0o600);
    ffi.call("write", out, part, part.length);
    ffi.call("close", out);
    const back = new Uint8Array(length + 3);
    const file = ffi.call("openat", at, path, 0);
    const read = ffi.call("read", file, back.subarray(3), length);
    ffi.call("close", file);
    return read === length && part.every((byte, index) => back[index + 3] === byte) ? length : -1;
  });
}

/** An address stays the bytes' own while much else is made and thrown away. */
function addressesHold(): boolean {
  const pieces = Array.from({ length: 200 }, (_, index) => new Uint8Array(1 + (index % 100)));
  const before = pieces.map((piece) => ffi.address(piece));
  let waste = 0;
  for (let round = 0; round < 300; round += 1) waste += new Array(10_000).fill({ round }).length;
  return waste > 0 && pieces.every((piece, index) => ffi.address(piece) === before[index]);
}

/** errno is this call's own, however many calls there were. */
function errnosHold(): readonly number[] {
  const seen = new Set<number>();
  for (let round = 0; round < 20_000; round += 1) seen.add(ffi.call("close", -1));
  for (let round = 0; round < 200; round += 1)
    seen.add(ffi.call("openat", cwd, cString("/none"), 0));
  return [...seen];
}

function basics() {
  return {
    bytes: bytesPassedThrough(),
    addressesHold: addressesHold(),
    errnos: errnosHold(),
    pid: ffi.call("getpid") === process.pid,
    sixArguments: ffi.call("sendto", -1, cString("x"), 2, 0, 0, 0),
    emptyBytes: ffi.call("write", 1, new Uint8Array(), 0),
    libc: [ffi.libc("abs")(-7), ffi.libc("strlen")(cString("four")), ffi.libc("toupper")(0x61)],
    negativeInt: ffi.libc("atoi")(cString("-5")),
    noSuchSymbol: typeof thrown(() => ffi.libc("sp_no_such_function")(0)),
  };
}

function folders() {
  const dir = makeDir(ffi, `${folder}/run`);
  const deadline = deadlineIn(() => performance.now(), 20);
  const inner = dir.make("inner");
  const outcomes = [
    dir.create("a", "text ü"),
    dir.create("a", "other"),
    dir.read("a"),
    dir.read("none"),
    dir.link("a", inner, "b"),
    dir.link("a", inner, "b"),
    inner.read("b"),
    dir.removeDir("inner"),
    inner.remove("b"),
    inner.remove("b"),
    dir.removeDir("inner"),
    dir.removeDir("inner"),
    dir.link("a", inner, "b"),
    [...dir.list()].sort(),
  ];
  dir.replace("a", "x".repeat(100_000));
  const release = dir.lock("lock", "exclusive", deadline);
  dir.lockRange("numbers", 2n ** 62n + 1n, deadline);
  return {
    outcomes,
    length: dir.read("a")?.length,
    locked: thrown(() => dir.lock("lock", "shared", deadline)),
    numberLocked: thrown(() => dir.lockRange("numbers", 2n ** 62n + 1n, deadline)),
    numberFree: typeof thrown(() => dir.lockRange("numbers", 2n ** 62n, deadline)),
    released: typeof thrown(() => {
      release();
      return dir.lock("lock", "shared", deadline);
    }),
    name: thrown(() => dir.read("../x")),
  };
}

function known<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("it should have been there");
  return value;
}

function network() {
  const kernel = openKernel(ffi);
  const netns = known(kernel.openNetns(netnsPath));
  const links = kernel.links(netns);
  const mac = known(parseMac("02:42:0a:02:00:41"));
  links.apply([
    {
      do: "create veth",
      outer: { name: "out", mtu: 1450, up: true, noArp: true, noIp6Addresses: true },
      inner: { name: "in", mtu: 1450, mac, netns },
    },
  ]);
  const { index } = known(links.get("in"));
  const four = { family: 4, address: known(parseIp4("10.2.0.65")), length: 16 } as const;
  const six = { family: 6, address: known(parseIp6("fd00::a02:41")), length: 64 } as const;
  links.apply([
    { do: "set link", index, up: true, noIp6Addresses: true },
    { do: "add address", index, address: four },
    { do: "add address", index, address: six, noDad: true },
    { do: "add route", route: { family: 4, via: known(parseIp4("10.2.0.1")), index } },
  ]);
  const before = links.checksumOffload("in");
  links.checksumOffloadOff("in");
  const found = {
    names: links.list().map(({ name, up, mtu }) => [name, up, mtu]),
    addresses: links
      .addresses(index)
      .map(({ family, address, length }) => [family, `${address}`, length]),
    routes: links.routes().map(({ family, via }) => [family, `${via}`]),
    checksumOffload: [before, links.checksumOffload("in")],
    refusals: [
      thrown(() => links.apply([{ do: "add address", index, address: four }])),
      thrown(() => links.apply([{ do: "delete link", name: "none" }])),
    ],
    families: [kernel.hasGenericFamily("nlctrl"), kernel.hasGenericFamily("sp_no_such")],
    boot: kernel.bootId(),
    absent: kernel.openNetns("/none"),
    wrong: thrown(() => kernel.openNetns("/dev/null")),
  };
  links.apply([{ do: "delete link", name: "out" }]);
  links.close();
  kernel.closeNetns(netns);
  return found;
}

const results = { basics: basics(), folders: folders(), network: network() };
writeText(ffi, 1, JSON.stringify(results, null, 2), "stdout");
