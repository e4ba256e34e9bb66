/**
 * OpenFlow's errors in words. Only the types that our messages can meet have their codes named;
 * the names are those that ovs-ofctl(8) prints, so that people can search for them.
 * Source: ONF TS-025, 7.5.4.
 */

interface ErrorType {
  /** What went wrong, for people. */
  readonly words: string;
  readonly prefix?: string;
  /** The codes' names from 0 on. */
  readonly codes?: string;
}

const types: readonly ErrorType[] = [
  { words: "hello failed", prefix: "OFPHFC", codes: "INCOMPATIBLE EPERM" },
  {
    words: "bad request",
    prefix: "OFPBRC",
    codes:
      "BAD_VERSION BAD_TYPE BAD_STAT BAD_VENDOR BAD_SUBTYPE EPERM BAD_LEN BUFFER_EMPTY " +
      "BUFFER_UNKNOWN BAD_TABLE_ID IS_SECONDARY BAD_PORT BAD_PACKET MULTIPART_BUFFER_OVERFLOW " +
      "MULTIPART_REQUEST_TIMEOUT MULTIPART_REPLY_TIMEOUT MULTIPART_BAD_SCHED " +
      "PIPELINE_FIELDS_ONLY UNKNOWN",
  },
  {
    words: "bad action",
    prefix: "OFPBAC",
    codes:
      "BAD_TYPE BAD_LEN BAD_VENDOR BAD_VENDOR_TYPE BAD_OUT_PORT BAD_ARGUMENT EPERM TOO_MANY " +
      "BAD_QUEUE BAD_OUT_GROUP MATCH_INCONSISTENT UNSUPPORTED_ORDER BAD_TAG BAD_SET_TYPE " +
      "BAD_SET_LEN BAD_SET_ARGUMENT BAD_SET_MASK BAD_METER",
  },
  {
    words: "bad instruction",
    prefix: "OFPBIC",
    codes:
      "UNKNOWN_INST UNSUP_INST BAD_TABLE_ID UNSUP_METADATA UNSUP_METADATA_MASK BAD_EXPERIMENTER " +
      "BAD_EXP_TYPE BAD_LEN EPERM DUP_INST",
  },
  {
    words: "bad match",
    prefix: "OFPBMC",
    codes:
      "BAD_TYPE BAD_LEN BAD_TAG BAD_DL_ADDR_MASK BAD_NW_ADDR_MASK BAD_WILDCARDS BAD_FIELD " +
      "BAD_VALUE BAD_MASK BAD_PREREQ DUP_FIELD EPERM",
  },
  {
    words: "flow mod failed",
    prefix: "OFPFMFC",
    codes:
      "UNKNOWN TABLE_FULL BAD_TABLE_ID OVERLAP EPERM BAD_TIMEOUT BAD_COMMAND BAD_FLAGS CANT_SYNC " +
      "BAD_PRIORITY IS_SYNC",
  },
  { words: "group mod failed" },
  { words: "port mod failed" },
  { words: "table mod failed" },
  { words: "queue operation failed" },
  { words: "switch configuration failed" },
  { words: "role request failed" },
  {
    words: "meter mod failed",
    prefix: "OFPMMFC",
    codes:
      "UNKNOWN METER_EXISTS INVALID_METER UNKNOWN_METER BAD_COMMAND BAD_FLAGS BAD_RATE BAD_BURST " +
      "BAD_BAND BAD_BAND_VALUE OUT_OF_METERS OUT_OF_BANDS",
  },
  { words: "table features failed" },
  { words: "bad property" },
  { words: "asynchronous configuration failed" },
  { words: "flow monitor failed" },
  {
    words: "bundle failed",
    prefix: "OFPBFC",
    codes:
      "UNKNOWN EPERM BAD_ID BUNDLE_EXIST BUNDLE_CLOSED OUT_OF_BUNDLES BAD_TYPE BAD_FLAGS " +
      "MSG_BAD_LEN MSG_BAD_XID MSG_UNSUP MSG_CONFLICT MSG_TOO_MANY MSG_FAILED TIMEOUT " +
      "BUNDLE_IN_PROGRESS SCHED_NOT_SUPPORTED SCHED_FUTURE SCHED_PAST",
  },
];

export const helloFailed = 0;
/** OFPET_EXPERIMENTER: the code is the experimenter's own. */
const experimenter = 0xffff;

/** "bad action: bad out port (OFPBAC_BAD_OUT_PORT)"; numbers for what has no name. */
export function wordsOfError(type: number, code: number): string {
  if (type === experimenter) return `experimenter error ${code}`;
  const known = types[type];
  if (known === undefined) return `error type ${type}, code ${code}`;
  const name = known.codes?.split(" ")[code];
  if (name === undefined) return `${known.words}: code ${code}`;
  const words = name.toLowerCase().replaceAll("_", " ");
  return `${known.words}: ${words} (${known.prefix}_${name})`;
}
