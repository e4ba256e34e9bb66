/** Folders as options name them. See main.ts for the folder's note. */
import { Failure } from "../errors.ts";

/** Without a slash at its end. Throws Failure "usage" for a relative one. */
export function folderOf(option: string, text: string | undefined): string | undefined {
  if (text === undefined || text.startsWith("/")) return text?.replace(/(?<=.)\/+$/, "");
  throw new Failure("usage", `Cannot use ${option} ${text}: it must be an absolute path`);
}
