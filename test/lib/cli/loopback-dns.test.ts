import { expect, test } from "vitest";
import { loopbackWarning } from "../../../lib/cli/loopback-dns.ts";

test.each([
  ["nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch .\n", "127.0.0.53"],
  ["# a comment\n nameserver\t127.0.0.1\nnameserver ::1", "127.0.0.1, ::1"],
])("%j can't be asked by a run", (text, named) => {
  expect(loopbackWarning(text)).toContain(`/etc/resolv.conf names only ${named}\n`);
});

test.each([
  "nameserver 127.0.0.1\nnameserver 192.0.2.1\n",
  "nameserver fd00::1\n",
  "# nameserver 127.0.0.53\nsearch example.org\n",
  "nameserver 127.example\n",
  "",
])("%j gives no warning", (text) => {
  expect(loopbackWarning(text)).toBe(undefined);
});
