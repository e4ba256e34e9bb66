/** Makes an authority and a node's certificate, twice for one key; says them as JSON. */
import { createAuthority, openAuthority } from "../../../lib/trust/authority.ts";
import { issueNode } from "../../../lib/trust/certificate.ts";
import { checkRequest, makeRequest } from "../../../lib/trust/request.ts";

const now = new Date();
const made = await createAuthority(now);
const authority = await openAuthority(made);
const own = await issueNode(authority, { name: "host-a", addresses: ["192.0.2.1"] }, now);
const { csr } = await makeRequest("host-a", own.key);
const renewed = await authority.sign(await checkRequest(csr, "host-a"), ["192.0.2.1"], now);
console.log(JSON.stringify({ ca: made.cert, ...own, renewed }));
process.exit(0);
