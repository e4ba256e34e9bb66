/**
 * When Bun compiles what is hot.
 *
 * The executable starts with a policy that lets nearly nothing be hot enough (build.mjs), because a
 * plugin is done before compiled code pays; what lives on says so.
 */
declare const Bun: { readonly unsafe: { readonly setJITPolicy: (scale: number) => void } };

/** For a process that goes on for longer than a command: as the runtime is by itself. */
export const compileHotCode = (): void => Bun.unsafe.setJITPolicy(1);
