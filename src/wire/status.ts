import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import { type Any } from '../../generated/google/protobuf/any.js';
import { BadRequest, ErrorInfo, RetryInfo } from '../../generated/google/rpc/error_details.js';
import { Status } from '../../generated/google/rpc/status.js';
import {
  ERROR_REASONS,
  type ErrorDetails,
  type ErrorReason,
  type FieldViolation,
  SwitchboardError,
} from '../domain/errors.js';

/** The `domain` of every ErrorInfo that we send. */
export const ERROR_DOMAIN = 'switchboard';

type CodeName = keyof typeof status;

/** The gRPC code of each reason: the only table of it, for both directions. */
export const GRPC_CODES: Readonly<Record<ErrorReason, CodeName>> = {
  SERVER_NOT_FOUND: 'NOT_FOUND',
  NAME_TAKEN: 'ALREADY_EXISTS',
  INVALID_FIELD: 'INVALID_ARGUMENT',
  REQUEST_ID_REUSED: 'INVALID_ARGUMENT',
  TOKEN_INVALID: 'INVALID_ARGUMENT',
  ETAG_MISMATCH: 'ABORTED',
  PAGE_EXPIRED: 'ABORTED',
  TIER_CHANGE_NOT_ALLOWED: 'FAILED_PRECONDITION',
  WRONG_TIER: 'FAILED_PRECONDITION',
  WOULD_SHADOW: 'FAILED_PRECONDITION',
  TRANSPORT_NOT_ALLOWED: 'FAILED_PRECONDITION',
  TOO_MANY_GRANTS: 'FAILED_PRECONDITION',
  MANAGED_BY_SOURCE: 'FAILED_PRECONDITION',
  USER_PURGED: 'FAILED_PRECONDITION',
  SOURCE_UNAVAILABLE: 'UNAVAILABLE',
  SOURCE_TOO_LARGE: 'RESOURCE_EXHAUSTED',
  SOURCE_DIFFERS: 'UNAVAILABLE',
  SOURCE_REMOVED: 'FAILED_PRECONDITION',
  SOURCE_MISMATCH: 'ABORTED',
  LOAD_CONFLICT: 'UNAVAILABLE',
  ROW_CONTRADICTS: 'FAILED_PRECONDITION',
  ROW_NOT_ALLOWED: 'FAILED_PRECONDITION',
  ROW_BROKEN: 'FAILED_PRECONDITION',
  OTHER_SET: 'FAILED_PRECONDITION',
  MOVED: 'FAILED_PRECONDITION',
  VERSION_NOT_FOUND: 'NOT_FOUND',
  NOT_DELETED: 'FAILED_PRECONDITION',
  EPOCH_CHANGED: 'FAILED_PRECONDITION',
  NOT_CAUGHT_UP: 'UNAVAILABLE',
  NOT_WRITTEN: 'UNAVAILABLE',
  OUTCOME_UNKNOWN: 'UNAVAILABLE',
  CATALOG_UNAVAILABLE: 'UNAVAILABLE',
  COMMIT_TOO_LARGE: 'RESOURCE_EXHAUSTED',
  ANSWER_TOO_LARGE: 'RESOURCE_EXHAUSTED',
  SLOW_CONSUMER: 'RESOURCE_EXHAUSTED',
  TOO_MANY_STREAMS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_SUBSCRIPTIONS: 'RESOURCE_EXHAUSTED',
  TOO_MANY_CONNECTIONS: 'UNAVAILABLE',
  REQUEST_INCOMPLETE: 'RESOURCE_EXHAUSTED',
  PROTOCOL_VIOLATION: 'INVALID_ARGUMENT',
  REQUEST_TOO_LARGE: 'RESOURCE_EXHAUSTED',
  UNKNOWN_METHOD: 'UNIMPLEMENTED',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  PERMISSION_DENIED: 'PERMISSION_DENIED',
  UNREACHABLE: 'UNAVAILABLE',
  UNRECOGNIZED_STATUS: 'UNKNOWN',
  STARTING: 'UNAVAILABLE',
  SHUTTING_DOWN: 'UNAVAILABLE',
  CANCELLED: 'CANCELLED',
  DEADLINE_EXCEEDED: 'DEADLINE_EXCEEDED',
  CLOSED: 'UNAVAILABLE',
  UNSUPPORTED: 'UNIMPLEMENTED',
  INTERNAL: 'INTERNAL',
};

/**
 * The reasons of codes that came without one. gRPC itself makes these, at the client, and they
 * mean the same whoever does; of any other code nobody can tell why it was sent.
 */
const REASON_OF_CODE: Partial<Record<CodeName, ErrorReason>> = {
  CANCELLED: 'CANCELLED',
  DEADLINE_EXCEEDED: 'DEADLINE_EXCEEDED',
  UNAVAILABLE: 'UNREACHABLE',
};

/** Sent with UNAVAILABLE when the error names no delay of its own. Milliseconds. */
const DEFAULT_RETRY_DELAY_MS = 1_000;

// Everything travels in HTTP/2 headers, which some clients limit to 8 KB in all, and there
// it is encoded: base64 for the details, up to three bytes for one of the message.
const MAX_MESSAGE_BYTES = 500;
const MAX_TEXT_BYTES = 200;
const MAX_VIOLATIONS = 8;
const MAX_METADATA = 5;

const DETAILS_KEY = 'grpc-status-details-bin';
const TYPE_PREFIX = 'type.googleapis.com/';

/**
 * The status by which `error` goes over the wire: code, a message that fits into a
 * header, and google.rpc details (ErrorInfo; BadRequest with violations; RetryInfo with
 * a retry delay, and always with UNAVAILABLE).
 */
export function toStatus(error: SwitchboardError): StatusObject {
  const rpcStatus = toRpcStatus(error);
  const metadata = new Metadata();
  metadata.set(DETAILS_KEY, Buffer.from(Status.encode(rpcStatus).finish()));
  return { code: status[codeOf(error)], details: rpcStatus.message, metadata };
}

/** The same as a google.rpc.Status, for answers that carry one per item. */
export function toRpcStatus(error: SwitchboardError): Status {
  const code = codeOf(error);
  const details = [pack('google.rpc.ErrorInfo', ErrorInfo.encode(errorInfo(error)).finish())];
  if (error.violations.length > 0) {
    const badRequest = { fieldViolations: error.violations.slice(0, MAX_VIOLATIONS).map(shorten) };
    details.push(pack('google.rpc.BadRequest', BadRequest.encode(badRequest).finish()));
  }
  const delayMs =
    error.retryDelayMs ?? (code === 'UNAVAILABLE' ? DEFAULT_RETRY_DELAY_MS : undefined);
  if (delayMs !== undefined) {
    const retryInfo = { retryDelay: toDuration(delayMs) };
    details.push(pack('google.rpc.RetryInfo', RetryInfo.encode(retryInfo).finish()));
  }
  return { code: status[code], message: headerText(error.message, MAX_MESSAGE_BYTES), details };
}

/** The gRPC code of an error: of an UNRECOGNIZED_STATUS the one that it came with. */
export function codeOf({ reason, metadata }: SwitchboardError): CodeName {
  const { code } = metadata;
  const isTold = reason === 'UNRECOGNIZED_STATUS' && code !== undefined && code !== 'OK';
  return isTold && code in status ? (code as CodeName) : GRPC_CODES[reason];
}

/**
 * The error that a failed call stands for, with reason, metadata, violations and retry
 * delay as they were given to `toStatus`. A status without a reason that we know is an
 * UNRECOGNIZED_STATUS, unless its code alone says enough; what it said is then its message,
 * and in the metadata as `code` and `reason`.
 */
export function fromStatus(failure: {
  readonly code: number;
  readonly details: string;
  readonly metadata?: Metadata;
}): SwitchboardError {
  const [packed] = failure.metadata?.get(DETAILS_KEY) ?? [];
  const details = Buffer.isBuffer(packed) ? detailsOf(packed) : [];
  return fromRpcStatus({ code: failure.code, message: failure.details, details });
}

/** The error that a google.rpc.Status of one item stands for. */
export function fromRpcStatus(rpcStatus: Status): SwitchboardError {
  const info = unpack(rpcStatus, 'google.rpc.ErrorInfo', ErrorInfo);
  const metadata = Object.fromEntries(info?.metadata ?? []);
  const details = { ...detailsFor(rpcStatus), metadata };
  const message = rpcStatus.message === '' ? undefined : rpcStatus.message;
  if (info?.domain === ERROR_DOMAIN && isReason(info.reason)) {
    return new SwitchboardError(info.reason, message, details);
  }
  const code = codeName(rpcStatus.code);
  const known = info === undefined ? REASON_OF_CODE[code] : undefined;
  return new SwitchboardError(known ?? 'UNRECOGNIZED_STATUS', message, {
    ...details,
    metadata: { ...metadata, code, ...(info && { reason: info.reason }) },
  });
}

function detailsFor(rpcStatus: Status): Pick<ErrorDetails, 'violations' | 'retryDelayMs'> {
  const violations = unpack(rpcStatus, 'google.rpc.BadRequest', BadRequest)?.fieldViolations ?? [];
  const delay = unpack(rpcStatus, 'google.rpc.RetryInfo', RetryInfo)?.retryDelay;
  return {
    violations: violations.map(({ field, description }) => ({ field, description })),
    ...(delay && { retryDelayMs: delay.seconds * 1000 + delay.nanos / 1e6 }),
  };
}

function errorInfo(error: SwitchboardError): ErrorInfo {
  const entries = Object.entries(error.metadata).slice(0, MAX_METADATA);
  return {
    reason: error.reason,
    domain: ERROR_DOMAIN,
    metadata: new Map(entries.map(([key, value]) => [key, headerText(value, MAX_TEXT_BYTES)])),
  };
}

function shorten(violation: FieldViolation): BadRequest['fieldViolations'][number] {
  return {
    field: headerText(violation.field, MAX_TEXT_BYTES),
    description: headerText(violation.description, MAX_TEXT_BYTES),
    reason: '',
    localizedMessage: undefined,
  };
}

/**
 * `text` as it may stand in a header: at most `maxBytes` of UTF-8, on one line and without
 * lone surrogates, at which grpc-js would throw while it encodes the message.
 */
function headerText(text: string, maxBytes: number): string {
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  const bytes = Buffer.from(text.replace(/[\u0000-\u001f\u007f]+/g, ' '), 'utf8');
  if (bytes.byteLength <= maxBytes) return bytes.toString('utf8');
  let end = maxBytes;
  // A byte 10xxxxxx continues a character: never cut before one.
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return `${bytes.toString('utf8', 0, end)}…`;
}

function pack(type: string, value: Uint8Array): Any {
  return { typeUrl: TYPE_PREFIX + type, value: Buffer.from(value) };
}

function unpack<T>(
  rpcStatus: Status,
  type: string,
  codec: { decode(bytes: Uint8Array): T },
): T | undefined {
  const packed = rpcStatus.details.find(({ typeUrl }) => typeUrl === TYPE_PREFIX + type);
  if (packed === undefined) return undefined;
  return ignoreMalformed(() => codec.decode(packed.value));
}

function detailsOf(packed: Uint8Array): Any[] {
  return ignoreMalformed(() => Status.decode(packed).details) ?? [];
}

/** Details only add to what the code says: those that cannot be read are left out. */
function ignoreMalformed<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

function toDuration(ms: number): { seconds: number; nanos: number } {
  const seconds = Math.floor(ms / 1000);
  return { seconds, nanos: Math.round((ms - seconds * 1000) * 1e6) };
}

function isReason(text: string): text is ErrorReason {
  return Object.hasOwn(ERROR_REASONS, text);
}

function codeName(code: number): CodeName {
  return (status[code] as CodeName | undefined) ?? 'UNKNOWN';
}
