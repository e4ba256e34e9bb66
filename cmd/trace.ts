/** What tracing a packet needs beyond the world that all commands have. */
import type { Ffi } from "../lib/sys/ffi.ts";
import { lookUpRoute } from "../lib/sys/route-lookup.ts";
import type { TraceDrivers } from "../lib/trace/here.ts";

export const traceDrivers = (ffi: Ffi): TraceDrivers => ({
  pause: (ms) => new Promise((done) => setTimeout(done, ms)),
  lookUpRoute: (question) => lookUpRoute(ffi, question),
  newToken: () => crypto.randomUUID(),
});
