import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openFfi } from "#ffi";
import { deadlineIn } from "../../../lib/deadline.ts";
import type { Dir } from "../../../lib/dir.ts";
import { Failure } from "../../../lib/errors.ts";
import { makeDir, openDir } from "../../../lib/sys/dir.ts";
import { SysError } from "../../../lib/sys/errno.ts";
import { type Running, start } from "../../lab/run.ts";
import { clock, programAt, runtimes } from "./runtimes.ts";
import { useWatchdog } from "./watchdog.ts";

useWatchdog();
const ffi = openFfi();
const soon = () => deadlineIn(clock, 30);
const later = () => deadlineIn(clock, 30_000);

let top: string;
let path: string;
let dir: Dir;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "sp-dir-"));
  path = join(top, "run");
  dir = makeDir(ffi, path);
});
afterEach(() => {
  dir.close();
  rmSync(top, { recursive: true, force: true });
});

const modeOf = (name: string) => statSync(join(path, name)).mode & 0o7777;

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (fault) {
    if (fault instanceof Failure) return fault;
    throw fault;
  }
  throw new Error("nothing was thrown");
}

describe("the top folder", () => {
  test("is made with its parents, 0700 itself", () => {
    makeDir(ffi, join(top, "a/b/c")).close();
    const modes = ["a", "a/b", "a/b/c"].map((name) => statSync(join(top, name)).mode & 0o777);
    expect(modes).toEqual([0o755, 0o755, 0o700]);
  });

  test("is absent, not made, when it is only opened", () => {
    expect(openDir(ffi, join(top, "none"))).toBeUndefined();
    expect(openDir(ffi, join(top, "none/deeper"))).toBeUndefined();
    expect(existsSync(join(top, "none"))).toBe(false);
  });

  test.each(["", "/", "/."])("is refused when it is a symlink, given with %j at its end", (end) => {
    mkdirSync(join(top, "elsewhere"), { mode: 0o700 });
    symlinkSync(join(top, "elsewhere"), join(top, "link"));
    const failure = failureOf(() => makeDir(ffi, join(top, "link") + end));
    expect(failure.kind).toBe("io");
    expect(failure.message).toBe(
      `Cannot open "${join(top, "link")}": it is a symlink or a file, not a folder`,
    );
  });

  test("is refused when it is a file", () => {
    writeFileSync(join(top, "file"), "");
    expect(failureOf(() => makeDir(ffi, join(top, "file"))).message).toMatch(/not a folder$/);
  });

  test("is refused when another user owns it", () => {
    chownSync(path, 12345, 0);
    const failure = failureOf(() => openDir(ffi, path));
    expect(failure.kind).toBe("io");
    expect(failure.message).toBe(`Cannot use folder "${path}": it belongs to user 12345`);
    expect(failure.details).toContain("(0)");
  });

  test.each([0o770, 0o702, 0o1777])("is refused when others can write to it: %o", (mode) => {
    chmodSync(path, mode);
    const failure = failureOf(() => openDir(ffi, path));
    expect(failure.kind).toBe("io");
    expect(failure.message).toContain(`others can write to it (mode 0${mode.toString(8)})`);
    expect(statSync(path).mode & 0o7777).toBe(mode);
  });

  test("is closed to others who could look into it", () => {
    chmodSync(path, 0o755);
    openDir(ffi, path)?.close();
    expect(modeOf(".")).toBe(0o700);
  });

  test("is refused by words when a parent is a file", () => {
    writeFileSync(join(top, "file"), "");
    const failure = failureOf(() => makeDir(ffi, join(top, "file/run")));
    expect(failure.kind).toBe("io");
    expect(failure.message).toMatch(/folder/);
  });
});

describe("files", () => {
  test("are made once, 0600, and read back", () => {
    expect(dir.create("a", "text ü\n")).toBe("created");
    expect(dir.create("a", "other")).toBe("exists");
    expect(dir.read("a")).toBe("text ü\n");
    expect(readFileSync(join(path, "a"), "utf8")).toBe("text ü\n");
    expect(modeOf("a")).toBe(0o600);
    expect(dir.read("none")).toBeUndefined();
  });

  test.each([0, 0o777, 0o277])("are 0600 and folders 0700 under the umask %o", (mask) => {
    const before = process.umask(mask);
    try {
      dir.create("a", "");
      dir.replace("b", "");
      dir.lock("c", "exclusive", soon())();
      dir.make("d").close();
    } finally {
      process.umask(before);
    }
    expect(["a", "b", "d"].map(modeOf)).toEqual([0o600, 0o600, 0o700]);
    expect(modeOf("c") & ~0o600).toBe(0);
  });

  test("of any length are read whole", () => {
    for (const length of [0, 1, 4095, 4096, 4097, 1 << 20]) {
      dir.replace("long", "x".repeat(length));
      expect(dir.read("long")?.length).toBe(length);
    }
  });

  test("are replaced whole, whether there or not, and nothing else stays", () => {
    dir.replace("a", "one");
    dir.replace("a", "two");
    expect(dir.read("a")).toBe("two");
    expect(readdirSync(path)).toEqual(["a"]);
  });

  test("are renamed, and removed once", () => {
    dir.create("a", "text");
    dir.rename("a", "b");
    expect(dir.read("b")).toBe("text");
    expect([dir.remove("b"), dir.remove("b")]).toEqual([true, false]);
    const failure = failureOf(() => dir.rename("a", "b"));
    expect(failure.message).toBe(
      `Cannot rename "${path}/a" to "b": there is no such thing (ENOENT)`,
    );
  });

  test("are linked to one name once: that is the compare-and-swap", () => {
    const blocks = dir.make("blocks");
    dir.create("mine", "me");
    dir.create("yours", "you");
    expect(dir.link("mine", blocks, "10.2.0.2")).toBe("linked");
    expect(dir.link("yours", blocks, "10.2.0.2")).toBe("exists");
    expect(blocks.read("10.2.0.2")).toBe("me");
    expect(dir.removeDir("blocks")).toBe("not-empty");
    blocks.remove("10.2.0.2");
    expect(dir.removeDir("blocks")).toBe("removed");
    expect(dir.link("yours", blocks, "10.2.0.2")).toBe("gone");
    expect(blocks.list()).toEqual([]);
    blocks.close();
  });
});

describe("folders", () => {
  test("are made and opened by one name", () => {
    expect(dir.open("a")).toBeUndefined();
    dir.make("a").create("x", "1");
    expect(dir.make("a").read("x")).toBe("1");
    expect(dir.open("a")?.read("x")).toBe("1");
    expect(dir.open("a")?.path).toBe(`${path}/a`);
  });

  test("list every name, in however many reads", () => {
    const names = Array.from({ length: 3000 }, (_, index) => `${index}-${"n".repeat(40)}`);
    for (const name of names) writeFileSync(join(path, name), "");
    expect([...dir.list()].sort()).toEqual([...names].sort());
    expect(dir.list().length).toBe(names.length);
  });

  test("are removed with what killed writers left, and only that", () => {
    const inner = dir.make("a");
    writeFileSync(join(path, "a/.new-1-0"), "half a fi");
    inner.create("b", "");
    expect(inner.list()).toEqual(["b"]);
    expect(dir.removeDir("a")).toBe("not-empty");
    inner.remove("b");
    expect(dir.removeDir("a")).toBe("removed");
    expect(dir.removeDir("a")).toBe("absent");
  });

  test("go on with the next name where a killed writer of this pid left one", () => {
    writeFileSync(join(path, `.new-${process.pid}-0`), "half a fi");
    dir.replace("a", "whole");
    expect(dir.read("a")).toBe("whole");
    expect(readFileSync(join(path, `.new-${process.pid}-0`), "utf8")).toBe("half a fi");
  });
});

describe("a planted symlink", () => {
  beforeEach(() => {
    writeFileSync(join(top, "secret"), "secret");
    mkdirSync(join(top, "elsewhere"));
    symlinkSync(join(top, "secret"), join(path, "file"));
    symlinkSync(join(top, "elsewhere"), join(path, "folder"));
    symlinkSync(join(top, "made"), join(path, "dangling"));
  });

  test("is not read, opened or locked", () => {
    for (const act of [
      () => dir.read("file"),
      () => dir.open("folder"),
      () => dir.make("folder"),
      () => dir.lock("file", "shared", soon()),
      () => dir.lock("dangling", "shared", soon()),
      () => dir.lockRange("file", 1n, soon()),
    ]) {
      const failure = failureOf(act);
      expect(failure.kind).toBe("io");
      expect(failure.message).toMatch(/symlink/);
    }
    expect(existsSync(join(top, "made"))).toBe(false);
  });

  test("is taken for what it is by create, and replaced, not written through, by replace", () => {
    expect(dir.create("dangling", "text")).toBe("exists");
    dir.replace("file", "mine");
    expect(lstatSync(join(path, "file")).isFile()).toBe(true);
    expect(readFileSync(join(top, "secret"), "utf8")).toBe("secret");
    expect(existsSync(join(top, "made"))).toBe(false);
  });
});

test("a planted pipe does not hold a reader up", () => {
  spawnSync("mkfifo", [join(path, "pipe")]);
  expect(dir.read("pipe")).toBe("");
});

test.each(["", ".", "..", "a/b", "/etc", "../x", "a\0b"])("%j is not a name", (name) => {
  for (const act of [
    () => dir.read(name),
    () => dir.create(name, ""),
    () => dir.replace(name, ""),
    () => dir.open(name),
    () => dir.make(name),
    () => dir.remove(name),
    () => dir.removeDir(name),
    () => dir.rename("a", name),
    () => dir.rename(name, "a"),
    () => dir.link("a", dir, name),
    () => dir.link(name, dir, "a"),
    () => dir.lock(name, "shared", soon()),
  ]) {
    expect(act).toThrow("is not the name of one file");
  }
});

test("a name too long is refused in words", () => {
  const failure = failureOf(() => dir.create("n".repeat(256), ""));
  expect(failure).toBeInstanceOf(SysError);
  expect(failure.kind).toBe("io");
  expect(failure.message).toMatch(/the name is too long \(ENAMETOOLONG\)$/);
});

describe("a file system", () => {
  const mounted = (options: string, body: (inner: string) => void) => {
    const inner = join(top, "mount");
    mkdirSync(inner);
    const mount = spawnSync("mount", ["-t", "tmpfs", "-o", options, "none", inner]);
    expect(mount.status).toBe(0);
    try {
      body(inner);
    } finally {
      spawnSync("umount", ["-l", inner]);
    }
  };

  test("that is full is told, with what to do, and keeps no half a file", () => {
    mounted("size=8k,mode=700", (inner) => {
      const full = makeDir(ffi, inner);
      full.create("small", "old");
      for (const act of [
        () => full.create("large", "x".repeat(1 << 16)),
        () => full.replace("small", "x".repeat(1 << 16)),
      ]) {
        const failure = failureOf(act);
        expect(failure.kind).toBe("io");
        expect(failure.message).toMatch(
          /^Cannot write ".*\/(large|small)": no space left on device \(ENOSPC\)$/,
        );
        expect(failure.details).toMatch(/Free some space/);
      }
      expect(full.read("small")).toBe("old");
      expect(readdirSync(inner)).toEqual(["small"]);
      full.close();
    });
  });

  test("without inodes is told", () => {
    mounted("nr_inodes=2,mode=700", (inner) => {
      const full = makeDir(ffi, inner);
      full.create("one", "");
      expect(failureOf(() => full.create("two", "")).message).toMatch(/^Cannot create .*ENOSPC/);
      expect(failureOf(() => full.make("three")).message).toMatch(/^Cannot create folder .*ENOSPC/);
      full.close();
    });
  });

  test("that is read-only is told", () => {
    mounted("ro,mode=700", (inner) => {
      const failure = failureOf(() => openDir(ffi, inner)?.create("a", ""));
      expect(failure.kind).toBe("io");
      expect(failure.message).toMatch(/the file system is read-only \(EROFS\)$/);
      expect(failure.details).toMatch(/Mount/);
    });
  });
});

describe("a lock", () => {
  let holders: Running[];
  beforeEach(() => {
    holders = [];
  });
  afterEach(async () => {
    for (const holder of holders) holder.kill("SIGKILL");
    await Promise.all(holders.map((holder) => holder.outcome));
  });
  const held = async (what: string, runtime: "bun" | "node" = "bun") => {
    const holder = start({ argv: [...runtimes[runtime], programAt("hold-lock.ts"), path, what] });
    holders.push(holder);
    await holder.says(/locked/);
    return holder;
  };

  test.each(["bun", "node"] as const)(
    "held in %s excludes, until its holder dies",
    async (runtime) => {
      const holder = await held("exclusive", runtime);
      const failure = failureOf(() => dir.lock("lock", "shared", soon()));
      expect(failure.kind).toBe("try-again");
      expect(failure.message).toBe(`Cannot lock "${path}/lock": another process holds it`);
      holder.kill("SIGKILL");
      await holder.outcome;
      dir.lock("lock", "exclusive", soon())();
    },
  );

  test("that is shared is shared, and excludes the exclusive", async () => {
    await held("shared");
    dir.lock("lock", "shared", soon())();
    expect(() => dir.lock("lock", "exclusive", soon())).toThrow("another process holds it");
  });

  test("is waited for", async () => {
    const holder = await held("exclusive");
    const waiter = start({ argv: [...runtimes.bun, programAt("hold-lock.ts"), path, "exclusive"] });
    holders.push(waiter);
    const said = waiter.says(/locked/);
    const first = await Promise.race([
      said.then(() => "locked"),
      new Promise((resolve) => setTimeout(resolve, 300, "waiting")),
    ]);
    expect(first).toBe("waiting");
    holder.kill("SIGKILL");
    await said;
  });

  test("excludes within one process too, and is released once", () => {
    const release = dir.lock("lock", "exclusive", soon());
    expect(() => dir.lock("lock", "exclusive", soon())).toThrow("another process holds it");
    release();
    const other = dir.lock("lock", "exclusive", soon());
    release();
    expect(() => dir.lock("lock", "exclusive", soon())).toThrow("another process holds it");
    other();
  });

  test("that its holder removes is taken anew by who waits for it", () => {
    const release = dir.lock("lock", "exclusive", soon());
    const left = () => {
      if (dir.remove("lock")) release();
      return 30_000;
    };
    const other = dir.lock("lock", "exclusive", { left });
    expect(() => dir.lock("lock", "exclusive", soon())).toThrow("another process holds it");
    other();
  });

  test.each([0n, 5n, 2n ** 63n - 1n])("on the number %d leaves its neighbours", async (number) => {
    const holder = await held(`${number}`);
    const failure = failureOf(() => dir.lockRange("numbers", number, soon()));
    expect(failure.kind).toBe("try-again");
    const neighbours = [number - 1n, number + 1n].filter((at) => at >= 0n && at < 2n ** 63n);
    for (const neighbour of neighbours) dir.lockRange("numbers", neighbour, soon())();
    holder.kill("SIGKILL");
    await holder.outcome;
    dir.lockRange("numbers", number, soon())();
  });

  test("on one number excludes within one process too", () => {
    const release = dir.lockRange("numbers", 7n, soon());
    dir.lockRange("numbers", 8n, soon())();
    expect(() => dir.lockRange("numbers", 7n, soon())).toThrow("another process holds it");
    release();
    dir.lockRange("numbers", 7n, later())();
  });
});
