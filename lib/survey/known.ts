/** Makes what is known, and what is not, of what was looked at. See survey.ts for the folder's note. */
import { Failure, reasonOf } from "../errors.ts";
import type { Known, Unknown } from "./survey.ts";

export const know = <T>(value: T): Known<T> => ({ known: true, value });

/** Looks; what it throws is why it is not known. */
export function look<T>(at: () => T): Known<T> {
  try {
    return know(at());
  } catch (thrown) {
    return unknownBy(thrown);
  }
}

/** The same, of what takes its time. */
export async function lookAfter<T>(at: () => Promise<T>): Promise<Known<T>> {
  try {
    return know(await at());
  } catch (thrown) {
    return unknownBy(thrown);
  }
}

const unknownBy = (thrown: unknown): Unknown => ({
  known: false,
  why: reasonOf(thrown),
  todo: thrown instanceof Failure ? thrown.details : undefined,
});

/** The value, or what stands for one that is not known. */
export const valueOr = <T, U>(of: Known<T>, otherwise: U): T | U =>
  of.known ? of.value : otherwise;
