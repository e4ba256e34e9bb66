import { expect, test } from "vitest";
import { find } from "../../../lib/cli/find.ts";
import { entries } from "../../../lib/cli/groups.ts";

const rest = (line: string) => find(line.split(" "), entries).rest.join(" ");

test.each([
  ["run true", "-- true"],
  ["run -it sh -c -n", "-it -- sh -c -n"],
  ["run -n web sh -n", "-n web -- sh -n"],
  ["run -nweb -itnweb sh -nweb", "-n web -itn web -- sh -nweb"],
  ["run -n=web -it=x sh", "-n=web -it=x -- sh"],
  ["run --network=web --ip 10.2.0.3 sh", "--network=web --ip 10.2.0.3 -- sh"],
  ["run -d -- --strange -nweb", "-d -- --strange -nweb"],
  ["run -x sh", "-x -- sh"],
  ["exec -eA=1 web env -i", "-e A=1 web -- env -i"],
  ["-ojson exec web -e A=1 env -i", "-ojson web -e A=1 -- env -i"],
  ["stop -t5 web -o json db", "-t 5 web -o json db"],
  ["ps -ao json", "-ao json"],
  ["ps -aojson", "-ao json"],
])("%s", (line, expected) => {
  expect(rest(line)).toBe(expected);
});
