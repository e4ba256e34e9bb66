/** What strangers send to join a cluster, and what they answer: HTTP, messages, certificates, DNS. */
import { readFileSync } from "node:fs";
import { openHeard, recordsOf } from "../../lib/cluster/announcement.ts";
import {
  formatJoin,
  formatJoinReply,
  parseJoin,
  parseJoinReply,
  parseRefusal,
  parseRenew,
} from "../../lib/cluster/messages.ts";
import { parseVtep } from "../../lib/ipam/nodes.ts";
import type { VtepAddress } from "../../lib/store/keys.ts";
import { formatReply, formatRequest, readReply, readRequest } from "../../lib/sys/http-text.ts";
import type { DnsRecord } from "../../lib/sys/mdns.ts";
import { readAuthority } from "../../lib/trust/authority.ts";
import { confirmIssued, readCertificate } from "../../lib/trust/certificate.ts";
import { checkRequest } from "../../lib/trust/request.ts";
import { formatToken, parseToken } from "../../lib/trust/token.ts";
import type { Random } from "../lib/random.ts";
import type { Target } from "./case.ts";
import { damaged, damagedText, inReads } from "./mutate-bytes.ts";
import { mutated, textOf } from "./mutate-json.ts";

const longest = 2_000;

/** What is read does not hang on how it comes; and what is whole is never longer than it may be. */
const http: Target = {
  name: "HTTP of strangers",
  make: (random) => {
    const body = random.below(3) === 0 ? undefined : "x".repeat(random.below(2 * longest));
    const isReply = random.below(2) === 0;
    const whole = isReply
      ? formatReply({ status: 200, body: body ?? "" })
      : formatRequest("192.0.2.1:9479", "/v1/join", body);
    const bytes = damaged(whole, random);
    const read = isReply ? readReply : readRequest;
    return {
      input: bytes,
      act: () => {
        const found = read(bytes, longest);
        let soFar = new Uint8Array();
        for (const piece of inReads(bytes, random)) {
          soFar = new Uint8Array([...soFar, ...piece]);
          const now = read(soFar, longest);
          if (now.state === "more") continue;
          if (JSON.stringify(now) === JSON.stringify(found)) break;
          throw new Error(`In pieces ${JSON.stringify(now)}, at once ${JSON.stringify(found)}`);
        }
        if (found.state !== "whole") return "refused";
        if (Buffer.byteLength(found.value.body) > 3 * longest) throw new Error("it is too long");
        return "taken";
      },
    };
  },
};

const vtep = parseVtep("192.0.2.2") as VtepAddress;
const token = { id: "abcdef", secret: "s".repeat(16), authority: "a".repeat(52) };
const question = formatJoin({
  ...{ token, csr: "-----BEGIN", node: "host-b", machineId: "0123" },
  vtep,
});
const reply = formatJoinReply({
  certificates: { ca: "a", cert: "b" },
  endpoints: ["https://192.0.2.1:2379"],
  prefix: "/socketplane/v1",
});

const someText = (text: string, random: Random): string =>
  random.below(2) === 0 ? damagedText(text, random) : textOf(mutated(JSON.parse(text), random));

/** No secret is in what is said of it. */
const messages: Target = {
  name: "messages of strangers",
  make: (random) => {
    const text = someText(random.one([question, reply]), random);
    const parse = random.one([parseJoin, parseRenew, parseJoinReply, parseRefusal]);
    return {
      input: text,
      act: () => {
        try {
          return parse(text) === undefined ? "refused" : "taken";
        } catch (fault) {
          if (!String(fault).includes(token.secret)) throw fault;
          throw new Error(`The secret is in ${fault}`);
        }
      },
    };
  },
};

/** An authority's, a node's with its key, and a request: of nobody. */
const pem: Readonly<Record<"ca" | "cert" | "key" | "csr", string>> = JSON.parse(
  readFileSync(new URL("recordings/certificates.json", import.meta.url), "utf8"),
);

/** Damaged inside, not just in its letters. */
function damagedPem(pem: string, random: Random): string {
  if (random.below(3) === 0) return damagedText(pem, random);
  const [, label = ""] = /-----BEGIN (.*)-----/.exec(pem) ?? [];
  const bytes = Buffer.from(pem.replace(/-----.*-----|\s/g, ""), "base64");
  const inside = Buffer.from(damaged(bytes, random)).toString("base64");
  return `-----BEGIN ${label}-----\n${inside}\n-----END ${label}-----\n`;
}

/** What is damaged is nobody's: a byte may be of no account only outside of what is signed. */
const certificates: Target = {
  name: "certificates of strangers",
  make: (random) => {
    const cert = damagedPem(pem.cert, random);
    const ca = damagedPem(pem.ca, random);
    const request = damagedPem(pem.csr, random);
    const which = random.below(3);
    return {
      input: [cert, ca, request][which],
      act: async () => {
        if (which === 0) {
          await confirmIssued({ ...pem, cert }, "a");
          return (await readCertificate(cert)) === undefined ? "refused" : "taken";
        }
        if (which === 1) return (await readAuthority(ca)) === undefined ? "refused" : "taken";
        await checkRequest(request, "a");
        return "taken";
      },
    };
  },
};

const tokens: Target = {
  name: "tokens as pasted",
  make: (random) => {
    const text = damagedText(formatToken(token), random);
    return {
      input: text,
      act: () => {
        const read = parseToken(text);
        if (read === undefined) return "refused";
        if (formatToken(read) === text.trim()) return "taken";
        throw new Error("it is read as another");
      },
    };
  },
};

const records = recordsOf({
  ...{ cluster: "c", node: "host-a", host: "192.0.2.1", port: 9479, version: "1" },
  authority: "a".repeat(52),
});

/** The packets are decoded by a library, which gives what types it will. */
const announcements: Target = {
  name: "announcements of strangers",
  make: (random) => {
    const some = records.map((one): DnsRecord => {
      if (one.type !== "TXT" || random.below(2) === 0) return one;
      return { ...one, texts: one.texts.map((text) => damagedText(text, random)) };
    });
    const at = random.below(some.length);
    const heard = some.filter((_, index) => index !== at || random.below(4) > 0);
    return {
      input: heard,
      act: () => {
        const ears = openHeard();
        ears.add(heard);
        const found = ears.found();
        const shown = JSON.stringify(found);
        if (/\\u00[01]|\\n/.test(shown)) throw new Error(`It is not to be shown: ${shown}`);
        return found.length === 0 ? "refused" : "taken";
      },
    };
  },
};

export const joinTargets: readonly Target[] = [http, messages, certificates, tokens, announcements];
