import { expect, test } from "vitest";
import { tlsReason } from "../../lib/tls-reason.ts";

test.each([
  [
    "C0BC:error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate:../deps/x.c:916:",
    "TLS: alert bad certificate",
  ],
  [
    "error:10000412:SSL routines:OPENSSL_internal:SSLV3_ALERT_BAD_CERTIFICATE",
    "TLS: alert bad certificate",
  ],
  [
    "error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:rec.c:916:",
    "TLS: alert certificate required",
  ],
  ["error:05800074:x509 certificate routines::key values mismatch", "TLS: key values mismatch"],
  [
    "error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH",
    "TLS: key values mismatch",
  ],
  [
    "unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca",
    "unable to verify the first certificate",
  ],
  ["certificate has expired", "certificate has expired"],
])("%s", (text, reason) => {
  expect(tlsReason(text)).toBe(reason);
});
