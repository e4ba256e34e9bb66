import { deadlineIn } from "../../../lib/deadline.ts";
import { type StoreLab, storeContract } from "../../contract/store.contract.ts";
import { makeTestFolder, openAt, openFolder } from "./lab.ts";

const soon = () => deadlineIn(() => performance.now(), 30_000);

storeContract("the file store", async (): Promise<StoreLab> => {
  const { path, remove } = makeTestFolder();
  const store = openAt(path);
  return {
    store,
    another: async () => openAt(path),
    compact: async () => {
      const forgetful = openAt(path, { revisions: 1, length: 0 });
      const writes = [{ put: "/contract/compacted", value: "" }];
      await forgetful.commit({ compares: [], writes }, soon());
      await forgetful.close();
    },
    stall: async () => {
      const dir = openFolder(path);
      const unlock = dir.lock("lock", "exclusive", soon());
      return async () => {
        unlock();
        dir.close();
      };
    },
    sessionSeconds: 0.1,
    close: async () => {
      await store.close();
      remove();
    },
  };
});
