/** IANA's UDP port of VXLAN (RFC 7348, section 8). */
export const vxlanPort = 4789;
