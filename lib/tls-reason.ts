/**
 * Why TLS failed, in words that do not tell which runtime and which library said them.
 *
 * Pure. Sources: OpenSSL's and BoringSSL's "error:<code>:<library> routines:<function>:<reason>";
 * Node's advice on its own command line.
 */

/** The reason alone; a text that is not of TLS as it is. */
export function tlsReason(text: string): string {
  const plain = text.replace(/; if the root CA is installed locally.*$/, "");
  const said = /(?:SSL|X\.?509 certificate) routines:\w*:([^:]+)/i.exec(plain)?.[1];
  if (said === undefined) return plain.trim();
  const words = said.toLowerCase().replaceAll("_", " ").trim();
  // Which version it has the alert from, the libraries do not agree on.
  return `TLS: ${words.replace(/^(?:sslv3|tlsv1\d*|ssl\/tls) alert /, "alert ")}`;
}
