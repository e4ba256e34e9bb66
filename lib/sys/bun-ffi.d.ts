/** As much of Bun's `bun:ffi` as ffi-bun.ts uses; Bun's own types would replace Node's globals. */
declare module "bun:ffi" {
  interface Signature {
    readonly args: readonly "i64_fast"[];
    readonly returns: "i64_fast" | "i32" | "ptr";
  }
  /** Numbers, as long as they have no more than 53 bits. */
  type Function = (...args: readonly number[]) => number;
  export function dlopen<const T extends Readonly<Record<string, Signature>>>(
    library: string,
    signatures: T,
  ): { readonly symbols: { readonly [K in keyof T]: Function } };
  /** Throws for empty memory. */
  export function ptr(bytes: Uint8Array): number;
  export const read: { readonly i32: (address: number, offset: number) => number };
}
