/** How long this machine and the store may take, milliseconds. */

/** For what is asked of the switch. */
export const switchMs = 10_000;
/** For what is asked of a store that answers. */
export const storeMs = 10_000;
