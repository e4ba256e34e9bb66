import { describe, expect, test } from "vitest";
import {
  fields,
  formatFailure,
  show,
  type Terminal,
  table,
  withThose,
} from "../../../lib/cli/output.ts";
import { Failure } from "../../../lib/errors.ts";

const records = [
  { id: "web", subnet: "10.2.0.0/16", vni: 1, masquerade: true, blockLength: 26 },
  { id: "a-longer-one", subnet: "10.3.0.0/24", vni: 4711, masquerade: false },
];

test("a table has a line for each record, under headings", () => {
  expect(table(records, ["id", "subnet", "vni", "blockLength", "masquerade"]).split("\n")).toEqual([
    "ID            SUBNET       VNI   BLOCK LENGTH  MASQUERADE",
    "web           10.2.0.0/16  1     26            yes",
    "a-longer-one  10.3.0.0/24  4711  -             no",
  ]);
});

test("a table of nothing has its headings, and no spaces at the end", () => {
  expect(table([], ["id", "vni"])).toBe("ID  VNI");
  expect(table([{ id: "web" }], ["id", "note"])).toBe("ID   NOTE\nweb  -");
});

test("an optional column is there if a record has something for it", () => {
  const columns = ["id", "blockLength", "allowed"];
  const optional = ["blockLength", "allowed"];
  expect(withThose(columns, optional, records)).toEqual(["id", "blockLength"]);
  expect(withThose(columns, optional, [])).toEqual(["id"]);
});

test("one record has a line for each column", () => {
  const [web = {}] = records;
  expect(fields(web, ["id", "blockLength", "mtu"])).toBe(
    ["ID            web", "BLOCK LENGTH  26", "MTU           -"].join("\n"),
  );
});

describe("an answer", () => {
  const terminal = (interactive: boolean) => {
    const said: string[] = [];
    const to: Terminal = {
      stdout: (text) => void said.push(text),
      stderr: () => {},
      progress: () => {},
      interactive,
      width: 80,
    };
    return { to, said };
  };
  const columns = ["id"];

  test.each([
    [false, undefined, '{\n  "id": "web"\n}\n'],
    [true, undefined, "ID  web\n"],
    [false, "table", "ID  web\n"],
    [true, "json", '{\n  "id": "web"\n}\n'],
  ] as const)("on a terminal: %s, asked for as %s", (interactive, format, expected) => {
    const { to, said } = terminal(interactive);
    show(to, format, { id: "web" }, columns);
    expect(said).toEqual([expected]);
  });

  test("of several is a list, or a table", () => {
    const { to, said } = terminal(true);
    show(to, undefined, [{ id: "web" }], columns);
    show(to, "json", [], columns);
    expect(said).toEqual(["ID\nweb\n", "[]\n"]);
  });
});

test("an error says who, what, and below it what to do", () => {
  expect(formatFailure(new Failure("io", "Cannot do it: no"))).toBe(
    "socketplane: Cannot do it: no\n",
  );
  const details = "Do this.\nOr that.";
  expect(formatFailure(new Failure("io", "Cannot do it: no", { details }))).toBe(
    "socketplane: Cannot do it: no\n  Do this.\n  Or that.\n",
  );
});
