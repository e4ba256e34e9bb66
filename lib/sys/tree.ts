/** Files anywhere on the machine, as who installs and uninstalls sees them. */

/** What is at a path itself: a symlink is not followed. */
export type Found =
  /** With the SHA-256 of what is in it, in hex. */
  | { readonly kind: "file"; readonly hash: string }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "folder" }
  /** A socket, a device. */
  | { readonly kind: "other" };

/** What is to be at a path. */
export type Content =
  | { readonly kind: "text"; readonly text: string; readonly mode: number }
  /** A copy of this executable, 0755. */
  | { readonly kind: "executable" }
  /** Another name for a file in the same folder. */
  | { readonly kind: "name"; readonly of: string }
  | { readonly kind: "link"; readonly target: string };

export interface Tree {
  readonly look: (path: string) => Found | undefined;
  /** The path without links on its way; undefined where they lead nowhere. */
  readonly resolve: (path: string) => string | undefined;
  /** The SHA-256 of a text, and of this executable. */
  readonly hashOf: (text: string) => string;
  readonly ownHash: () => string;
  readonly makeFolder: (path: string, mode: number) => void;
  /** Over what is there, whole or not at all: whoever starts or reads the old one is not disturbed. */
  readonly write: (path: string, content: Content) => void;
  /** A folder only if it is empty; false if it is not there, or not empty. */
  readonly remove: (path: string) => boolean;
  /** Removes from a folder what a writer has left there that was killed. */
  readonly sweep: (folder: string) => void;
}
