/** Reads the facts of this machine: each part by itself, so that one that fails hides no other. */
import type { LocalFacts } from "./facts.ts";
import type { DoctorWorld } from "./world.ts";

export async function readFacts({ user }: DoctorWorld): Promise<LocalFacts> {
  return { user };
}
