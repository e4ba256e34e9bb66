/** What is seen of the other nodes, as plain data. See doctor.ts for the folder's note. */

export interface PeerFacts {
  readonly node: string;
}
