/** Install and uninstall in an image's folder, with real files; ended at each of their steps. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import type { Dir } from "../../../lib/dir.ts";
import { Failure } from "../../../lib/errors.ts";
import { type Installing, install } from "../../../lib/service/install.ts";
import { usualPlaces, wantedFiles } from "../../../lib/service/install-plan.ts";
import { uninstall } from "../../../lib/service/uninstall.ts";
import { makeDir } from "../../../lib/sys/dir.ts";
import type { Tree } from "../../../lib/sys/tree.ts";
import { openTree } from "../../../lib/sys/tree-files.ts";

const ffi = openFfi();
const real = openTree();
const files = wantedFiles(usualPlaces, "units");
const program = "/opt/cni/bin/socketplane";
const nodeJson = "/etc/socketplane/node.json";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "sp-image-"));
  for (const folder of ["etc/cni", "usr/local/bin", "var/lib"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
});
afterEach(() => rmSync(root, { recursive: true }));

/** With a short text in the executable's place, which is long. */
const short: Tree = {
  ...real,
  ownHash: () => real.hashOf("program"),
  write: (path, content) => {
    const isProgram = content.kind === "executable";
    real.write(path, isProgram ? { kind: "text", text: "program", mode: 0o755 } : content);
  },
};

const installing = (tree: Tree = short): Installing => ({
  tree,
  root,
  makeDir: (path) => makeDir(ffi, path),
  deadline: { left: () => 10_000 },
});
const installNow = () => install(installing(), files, "1");
const uninstallNow = () => uninstall(installing());
const stateOf = (told: ReturnType<typeof install>, path: string) =>
  told.find((one) => one.path === path)?.state;

/** All that is in the image: files with what is in them, folders, links. */
const all = (): readonly string[] =>
  readdirSync(root, { recursive: true, encoding: "utf8" }).map((name) => {
    const path = join(root, name);
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`;
    return stat.isDirectory() ? `${name}/` : `${name} ${real.hashOf(readFileSync(path, "latin1"))}`;
  });

test("everything is written, and taken back, and nothing else", () => {
  const before = all();
  const told = installNow();
  expect(told.map(({ state }) => state)).toEqual(files.map(() => "written"));
  const inode = statSync(root + program).ino;
  expect(statSync(`${root}${program}-ipam`).ino).toBe(inode);
  expect(statSync(root + program).mode & 0o777).toBe(0o755);
  expect(readlinkSync(`${root}/usr/local/bin/socketplane`)).toBe(program);
  expect(statSync(root + nodeJson).mode & 0o777).toBe(0o600);
  expect(statSync(`${root}/etc/socketplane`).mode & 0o777).toBe(0o700);

  const after = all();
  const again = installNow();
  expect(new Set(again.map(({ state }) => state))).toEqual(new Set(["as it is to be"]));
  expect({ all: all(), inode: statSync(root + program).ino }).toEqual({ all: after, inode });

  uninstallNow();
  expect(all()).toEqual(before);
  expect(uninstallNow()).toEqual([]);
});

test("the executable is what runs here", () => {
  const path = join(root, "copy");
  real.write(path, { kind: "executable" });
  expect(readFileSync(path).equals(readFileSync("/proc/self/exe"))).toBe(true);
  expect(real.look(path)).toEqual({ kind: "file", hash: real.ownHash() });
});

test("what was there is left, and what was changed since", () => {
  const list = "/etc/cni/net.d/10-socketplane.conflist";
  mkdirSync(`${root}/etc/cni/net.d`);
  writeFileSync(root + list, "{}");
  expect(stateOf(installNow(), list)).toBe("left: it was there");
  writeFileSync(root + nodeJson, '{ "node": "a" }');
  expect(stateOf(installNow(), nodeJson)).toBe("left: it was changed");
  writeFileSync(`${root}/opt/cni/bin/theirs`, "");
  const told = uninstallNow();
  expect(stateOf(told, nodeJson)).toBe("left: it was changed");
  expect(stateOf(told, "/etc/socketplane")).toBe("left: it is not empty");
  expect(stateOf(told, program)).toBe("removed");
  expect(readFileSync(root + nodeJson, "utf8")).toBe('{ "node": "a" }');
  expect(readFileSync(root + list, "utf8")).toBe("{}");
  expect(readdirSync(`${root}/opt/cni/bin`)).toEqual(["theirs"]);
});

test("a sample that somebody has removed stays away; a program comes back", () => {
  installNow();
  rmSync(root + nodeJson);
  rmSync(root + program);
  const told = installNow();
  expect(stateOf(told, nodeJson)).toBe("left: it was removed, and is not written again");
  expect(stateOf(told, program)).toBe("written");
  expect(existsSync(root + nodeJson)).toBe(false);
});

test("what is in the way is named, all of it, and nothing is changed", () => {
  mkdirSync(join(root, program), { recursive: true });
  writeFileSync(`${root}/usr/local/bin/socketplane`, "theirs");
  mkdirSync(`${root}/var/lib/socketplane`, { mode: 0o700 });
  const before = all();
  const failure = (() => {
    try {
      return installNow();
    } catch (fault) {
      return fault;
    }
  })();
  if (!(failure instanceof Failure)) throw failure;
  expect(failure.message).toBe(`Cannot install: ${program} is in the way: it is a folder`);
  expect(failure.details).toContain(
    "/usr/local/bin/socketplane is in the way: it is no link of ours",
  );
  expect(all().filter((name) => !name.includes("install.lock"))).toEqual(before);
});

test("an older one is replaced by a new file: who runs it is not disturbed", () => {
  mkdirSync(`${root}/opt/cni/bin`, { recursive: true });
  writeFileSync(root + program, "old");
  const old = statSync(root + program).ino;
  expect(stateOf(installNow(), program)).toBe("replaced");
  expect(statSync(root + program).ino).not.toBe(old);
});

describe("what leads out of the image", () => {
  let outside: string;
  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), "sp-outside-"));
  });
  afterEach(() => rmSync(outside, { recursive: true }));
  const faultOf = (deed: () => unknown) => {
    try {
      deed();
    } catch (fault) {
      return fault;
    }
    throw new Error("it was not refused");
  };

  test("is named with all else that is in the way, and not written to", () => {
    symlinkSync(outside, `${root}/opt`);
    rmSync(`${root}/usr`, { recursive: true });
    symlinkSync("/nowhere/at/all", `${root}/usr`);
    mkdirSync(`${root}${nodeJson}`, { recursive: true });
    const before = all();
    expect(faultOf(installNow)).toMatchObject({
      message: `Cannot install: ${program} is in the way: /opt leads out of ${root}, to ${outside}`,
      details: expect.stringMatching(
        /usr\/local\/bin\/socketplane .* \/usr is a link that leads nowhere\n[\s\S]*it is a folder/,
      ),
    });
    expect(readdirSync(outside)).toEqual([]);
    expect(all().filter((name) => !name.includes("var/lib/socketplane"))).toEqual(before);
  });

  test("is not where the record is kept", () => {
    rmSync(`${root}/var`, { recursive: true });
    symlinkSync(outside, `${root}/var`);
    for (const deed of [installNow, uninstallNow]) {
      expect(faultOf(deed)).toMatchObject({
        message: expect.stringContaining(`/var leads out of ${root}, to ${outside}`),
      });
    }
    expect(readdirSync(outside)).toEqual([]);
  });

  test("is not uninstalled either", () => {
    installNow();
    renameSync(`${root}/opt/cni`, `${outside}/cni`);
    rmSync(`${root}/opt`, { recursive: true });
    symlinkSync(outside, `${root}/opt`);
    const before = all();
    expect(faultOf(uninstallNow)).toMatchObject({
      message: expect.stringMatching(/^Cannot uninstall: .*\/opt\S* leads out of /),
    });
    expect(all()).toEqual(before);
    expect(existsSync(`${outside}/cni/bin/socketplane`)).toBe(true);
  });

  test("is not one that stays inside", () => {
    mkdirSync(`${root}/usr/opt`);
    symlinkSync("usr/opt", `${root}/opt`);
    const before = all();
    installNow();
    expect(existsSync(`${root}/usr${program}`)).toBe(true);
    uninstallNow();
    expect(all()).toEqual(before);
  });
});

test("another's lock is not removed", () => {
  installNow();
  const lock = "/var/lib/socketplane/install.lock";
  /** As soon as it is free, somebody else has it. */
  const handedOn = (path: string): Dir => {
    const dir = makeDir(ffi, path);
    return {
      ...dir,
      lock: (...args) => {
        const unlock = dir.lock(...args);
        return () => {
          unlock();
          makeDir(ffi, path).lock(...args);
        };
      },
    };
  };
  uninstall({ ...installing(), makeDir: handedOn });
  expect(existsSync(root + lock)).toBe(true);
});

test("a link planted in the record's place is not followed", () => {
  mkdirSync(`${root}/var/lib/socketplane`, { mode: 0o700 });
  symlinkSync("/etc/passwd", `${root}/var/lib/socketplane/installed.json`);
  expect(() => installNow()).toThrow("installed.json");
});

describe("ended in the middle", () => {
  /** A tree on which the deed of this number is the last one. */
  function endingAfter(number: number): Tree {
    let left = number;
    const counted = <A extends readonly unknown[], R>(deed: (...args: A) => R) => {
      return (...args: A): R => {
        if (left === 0) throw new Error("killed");
        left -= 1;
        return deed(...args);
      };
    };
    return {
      ...short,
      makeFolder: counted(short.makeFolder),
      write: counted(short.write),
      remove: counted(short.remove),
    };
  }
  /** Runs it until it ends by itself, ending it after ever more deeds. */
  function atEachDeed(deed: (tree: Tree) => void, then: () => void): number {
    for (let number = 0; ; number += 1) {
      try {
        deed(endingAfter(number));
        return number;
      } catch (fault) {
        if (!(fault instanceof Error) || fault.message !== "killed") throw fault;
        then();
      }
    }
  }
  const leaveTemporary = () => {
    if (existsSync(`${root}/opt/cni/bin`)) {
      writeFileSync(`${root}/opt/cni/bin/.socketplane-new-1`, "half");
    }
  };

  test("an install is taken back by uninstall", () => {
    const before = all();
    const deeds = atEachDeed(
      (tree) => install(installing(tree), files, "1"),
      () => {
        leaveTemporary();
        uninstallNow();
        expect(all()).toEqual(before);
      },
    );
    expect(deeds).toBeGreaterThan(files.length);
  });

  test("an install is ended by the next one", () => {
    installNow();
    const whole = all();
    uninstallNow();
    atEachDeed(
      (tree) => install(installing(tree), files, "1"),
      () => {
        leaveTemporary();
        installNow();
        expect(all()).toEqual(whole);
        uninstallNow();
      },
    );
  });

  test("an update's halves are both taken back", () => {
    const before = all();
    const old = files.map((file) =>
      file.kind === "unit"
        ? { ...file, content: { kind: "text", text: "old", mode: 0o644 } as const }
        : file,
    );
    atEachDeed(
      (tree) => {
        install(installing(), old, "0");
        install(installing(tree), files, "1");
      },
      () => {
        uninstallNow();
        expect(all()).toEqual(before);
      },
    );
  });

  test("an uninstall is ended by the next one", () => {
    const before = all();
    atEachDeed(
      (tree) => {
        installNow();
        uninstall(installing(tree));
      },
      () => {
        uninstallNow();
        expect(all()).toEqual(before);
      },
    );
  });
});
