/**
 * Adds networks to the filter of the namespace it runs in, as one process of many:
 * nft-add.ts <first> <count> adds net<first>, 10.<first>.0.0/16, and the ones after it.
 */
import { openFfi } from "#ffi";
import { openFilter } from "../../../lib/sys/nft-driver.ts";
import { network } from "./nft-lab.ts";

const [, , first = "", count = ""] = process.argv;
const filter = openFilter(openFfi());
for (let number = Number(first); number < Number(first) + Number(count); number += 1) {
  const added = network(`net${number}`, `10.${number}.0.0/16`, { subnet6: `fd00:${number}::/64` });
  filter.add(added);
  if (!filter.has(added)) throw new Error(`10.${number}.0.0/16 is not in`);
}
filter.close();
