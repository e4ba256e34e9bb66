/**
 * The numbers of nftables' attributes, by what they belong to.
 *
 * Source: linux/netfilter/nf_tables.h (NFTA_TABLE_NAME is nfta.table.name).
 */
export const nfta = {
  list: { element: 1 },
  table: { name: 1, flags: 2 },
  chain: { table: 1, name: 3, hook: 4, policy: 5, use: 6, type: 7 },
  hook: { number: 1, priority: 2 },
  rule: { table: 1, chain: 2, expressions: 4 },
  set: { table: 1, name: 2, flags: 3, keyType: 4, keyLength: 5, id: 10, userdata: 13 },
  elements: { table: 1, set: 2, elements: 3 },
  element: { key: 1, flags: 3 },
  generation: { id: 1 },
  fib: { register: 1, result: 2, flags: 3 },
  data: { value: 1, verdict: 2 },
  verdict: { code: 1 },
  expression: { name: 1, data: 2 },
  target: { name: 1 },
  match: { name: 1, info: 3 },
  immediate: { register: 1, data: 2 },
  meta: { register: 1, key: 2 },
  compare: { register: 1, operator: 2, data: 3 },
  lookup: { set: 1, register: 2, flags: 5 },
  payload: { register: 1, base: 2, offset: 3, length: 4 },
  ct: { register: 1, key: 2 },
  bitwise: { from: 1, to: 2, length: 3, mask: 4, xor: 5 },
} as const;
