import { afterAll } from "vitest";
import { type StoreLab, storeContract } from "../../contract/store.contract.ts";
import { type Etcd, startEtcd } from "../../lab/etcd.ts";
import { openEtcd } from "./etcd-lab.ts";

// One for all: each test has keys of its own.
let etcd: Promise<Etcd> | undefined;
afterAll(async () => (await etcd)?.stop());

storeContract("the etcd store", async (): Promise<StoreLab> => {
  etcd ??= startEtcd();
  const { endpoints, compact, pause, resume } = await etcd;
  const store = openEtcd({ endpoints });
  return {
    store,
    another: async () => openEtcd({ endpoints }),
    compact: async () => compact(),
    stall: async () => {
      pause();
      return async () => resume();
    },
    // The shortest that etcd grants.
    sessionSeconds: 2,
    close: store.close,
  };
});
