/** What is wrong with a line of `trace` or `topology` is told at once. */
import { expect, test } from "vitest";
import { find } from "../../../lib/cli/find.ts";
import { entries } from "../../../lib/cli/groups.ts";
import { parse } from "../../../lib/cli/parse.ts";

async function told(line: string): Promise<string> {
  const { entry, rest } = find(line.split(" "), entries);
  if (entry === undefined || "commands" in entry) throw new Error("no command");
  let complaint = "";
  const complain = (said: string) => {
    complaint = said;
    return new Error(said);
  };
  await parse(entry, rest, complain).catch((error: unknown) => {
    if (complaint === "") throw error;
  });
  return complaint;
}

test.each([
  [
    "trace a b --proto foo --port 99999 --source xx --from-mac yy",
    '--proto must be one of "icmp", "tcp", "udp", not "foo"; ' +
      "--port 99999 is no port: it must be from 1 to 65535; " +
      "--source xx is no address; --from-mac yy is no MAC",
  ],
  ["trace a --port x", "<to> is missing; --port x is no port: it must be from 1 to 65535"],
  ["trace a b --proto icmp --port 80", "--port is of TCP and UDP, and not of ICMP"],
  ["trace a b --proto udp --port 80 --source fd00::1 --from-mac 02:42:0a:02:00:03", ""],
  [
    "topology -o foo --theme pink",
    '--output must be one of "text", "json", "svg", "html", not "foo"; ' +
      '--theme must be one of "light", "dark", "auto", not "pink"; --theme needs -o svg',
  ],
  ["topology -o json -w --theme dark", "--theme needs -o svg; --watch is for text only"],
  ["topology -o svg --theme dark", ""],
  ...["1e3", "0x50", "+80", "8.0", "000080", "0", "65536"].map((port): [string, string] => [
    `trace a b --port ${port}`,
    `--port ${port} is no port: it must be from 1 to 65535`,
  ]),
])("%s", async (line, expected) => {
  expect(await told(line)).toBe(expected);
});
