import { expect, test } from "vitest";
import { refuseLocalhost } from "../../../lib/cluster/prepare.ts";

test.each(["localhost", "localhost.localdomain", "LOCALHOST"])("%s is no node's name", (name) => {
  expect(() => refuseLocalhost("make a cluster", name)).toThrow(
    expect.objectContaining({
      message: `Cannot make a cluster: this machine is called "${name}"`,
      details: expect.stringContaining("--name NODE"),
    }),
  );
});

test.each(["host-a", "localhost-2", "my.localhost"])("%s is one", (name) => {
  expect(() => refuseLocalhost("make a cluster", name)).not.toThrow();
});
