/** When Node compiles what is hot: as it sees fit. See jit-bun.ts. */
export const compileHotCode = (): void => {};
