/**
 * The capability `bandwidth`, as the switch limits it. See config.ts for the folder's note.
 * Source: CONVENTIONS.md of containernetworking/cni; its plugin of that name, where that is silent.
 */
import type { Bandwidth } from "../cni/capabilities.ts";
import { Failure } from "../errors.ts";
import { type Limit, type Limits, largestLimit, limitsOf } from "../limits.ts";

/** Of a packet, as the kernel hands it on before it is cut to the MTU: 64 KiB. */
const largestPacket = 64 * 1024 * 8;

/**
 * *Ingress* is what the container receives. Without a burst it is what the rate gives in a second:
 * *measured*, TCP gets nine tenths of the rate then, and half of it with a tenth of that burst.
 * Throws Failure "unsupported-field" for a burst without a rate.
 */
export function limitsAsked(bandwidth: Bandwidth | undefined): Limits | undefined {
  if (bandwidth === undefined) return undefined;
  const { ingressRate, ingressBurst, egressRate, egressBurst } = bandwidth;
  return limitsOf(
    limitOf("egress", egressRate, egressBurst),
    limitOf("ingress", ingressRate, ingressBurst),
  );
}

function limitOf(way: string, rate: number, burst: number): Limit | undefined {
  if (rate === 0 && burst === 0) return undefined;
  if (rate === 0) {
    throw new Failure(
      "unsupported-field",
      `Cannot honour "runtimeConfig.bandwidth": its ${way}Burst is ${burst}, and there is no ${way}Rate`,
    );
  }
  const atOnce = Math.max(burst === 0 ? rate : burst, largestPacket);
  return { rate: kilobits(rate), burst: kilobits(atOnce) };
}

const kilobits = (bits: number): number => Math.min(Math.ceil(bits / 1000), largestLimit);
