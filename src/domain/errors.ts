/**
 * The one list of error reasons. A reason is stable: clients branch on it, never on text. `summary`
 * says what happened, `fix` what to do; docs/errors.md is generated from them. The gRPC code of
 * each reason is in wire/status.ts.
 */
export const ERROR_REASONS = {
  SERVER_NOT_FOUND: {
    summary: 'The server does not exist, or this view may not see it.',
    fix: 'Check the name or id, and the requested view.',
  },
  NAME_TAKEN: {
    summary: 'Another server in this scope already has the name.',
    fix: 'Choose another name, or change the server that has it.',
  },
  INVALID_FIELD: {
    summary: 'A field of the request is missing or invalid.',
    fix: 'Correct the fields listed in the BadRequest detail.',
  },
  REQUEST_ID_REUSED: {
    summary: 'The request id was used for another request within the last 24 hours.',
    fix: 'Use a new request id for a new request.',
  },
  TOKEN_INVALID: {
    summary: 'The token was not issued by Switchboard, is damaged, or belongs to another tenant.',
    fix: 'Send tokens unchanged, and only to the tenant that issued them.',
  },
  ETAG_MISMATCH: {
    summary: 'The server has changed since the copy that this change is based on.',
    fix: 'Read the server again and decide again; the metadata has the current etag.',
  },
  PAGE_EXPIRED: {
    summary: 'The list has changed since the previous page.',
    fix: 'List again without a page token.',
  },
  TIER_CHANGE_NOT_ALLOWED: {
    summary: 'This method does not move a server between PRIVATE and the shared tiers.',
    fix: 'Use promote or demote.',
  },
  WRONG_TIER: {
    summary: 'This method does not apply to servers of this tier.',
    fix: 'Only PRIVATE servers have access lists; promote PRIVATE servers, demote APP and USER ones.',
  },
  WOULD_SHADOW: {
    summary: 'Private servers have the same name and would be shadowed.',
    fix: 'Choose another name, or repeat the write with SHADOW_POLICY_SHADOW.',
  },
  TRANSPORT_NOT_ALLOWED: {
    summary: 'The transport policy does not allow a private server to be there.',
    fix: 'Use a public address; or let an administrator allow the rule in the metadata, see --allow-private-networks.',
  },
  TOO_MANY_GRANTS: {
    summary: 'A server can be granted to at most 10,000 subjects.',
    fix: 'Grant it to a group.',
  },
  MANAGED_BY_SOURCE: {
    summary: 'The server comes from a private source and can be changed only there.',
    fix: 'Change it in the source, then call InvalidateUser; to share it with everyone, promote it.',
  },
  USER_PURGED: {
    summary: 'The user was purged, so nothing is loaded.',
    fix: 'If the user is back, call LoadPrivateServers with force.',
  },
  SOURCE_UNAVAILABLE: {
    summary: 'The private source is unreachable, did not respond in time, or failed.',
    fix: 'Retry after the delay in RetryInfo; check the source.',
  },
  SOURCE_TOO_LARGE: {
    summary: 'The private source returned more than a load may hold.',
    fix: 'Raise the limits of the source, or make it return fewer servers.',
  },
  SOURCE_DIFFERS: {
    summary: 'This replica is configured with another private source than the tenant has.',
    fix: "Correct the --private-sources file, or rename or remove the tenant's source.",
  },
  SOURCE_REMOVED: {
    summary: 'The private source was removed from the tenant, so nothing is loaded from it.',
    fix: 'Remove it from the configuration; to load from it again, give it a new name there.',
  },
  SOURCE_MISMATCH: {
    summary: "The tenant's private source is not the one in the request.",
    fix: 'Read it with GetPrivateSource and decide again.',
  },
  LOAD_CONFLICT: {
    summary: 'The servers that the load would change kept changing in the meantime.',
    fix: 'Retry after the delay in RetryInfo.',
  },
  ROW_CONTRADICTS: {
    summary: 'Rows of the private source contradict each other.',
    fix: 'Give each row its own id, and use each name only once per owner.',
  },
  ROW_NOT_ALLOWED: {
    summary: 'The private source may not return this server.',
    fix: 'Allow foreign owners for the source, or omit the row.',
  },
  ROW_BROKEN: {
    summary: 'The private source could not return this server.',
    fix: 'Fix it in the source; the previous version is kept until then.',
  },
  OTHER_SET: {
    summary: 'The server belongs to another set.',
    fix: 'Remove it there first, or apply with take_over.',
  },
  MOVED: {
    summary: 'Somebody moved the server to another tier, name or owner since its set declared it.',
    fix: 'Change the declaration to match, or apply with take_over to move the server back.',
  },
  VERSION_NOT_FOUND: {
    summary: 'The server has no such version to roll back to.',
    fix: 'List its versions; a deletion is not a version to roll back to.',
  },
  NOT_DELETED: {
    summary: 'The server is not deleted.',
    fix: 'Nothing to do; to restore an older version, roll back.',
  },
  EPOCH_CHANGED: {
    summary: 'The token is from an earlier epoch of the log.',
    fix: 'Drop the token and read again.',
  },
  NOT_CAUGHT_UP: {
    summary: 'The replica did not reach the requested state before the deadline.',
    fix: 'Retry with a longer deadline.',
  },
  NOT_WRITTEN: {
    summary: 'The write failed and nothing was written.',
    fix: 'Retry.',
  },
  OUTCOME_UNKNOWN: {
    summary: 'The write may or may not have been committed.',
    fix: 'Retry with the same request id.',
  },
  CATALOG_UNAVAILABLE: {
    summary: 'The Catalog is unreachable or cannot store more data.',
    fix: 'Retry after the delay in RetryInfo; check the disk or the database.',
  },
  COMMIT_TOO_LARGE: {
    summary: 'The change is larger than 8 MB when encoded.',
    fix: 'Split it.',
  },
  ANSWER_TOO_LARGE: {
    summary: 'The response has no room left for this server.',
    fix: 'Request it in another call with fewer keys.',
  },
  SLOW_CONSUMER: {
    summary: 'The stream fell too far behind, too often, or never acknowledged.',
    fix: 'Read faster; reopen the stream with the last token.',
  },
  TOO_MANY_STREAMS: {
    summary: 'The limit of open streams has been reached.',
    fix: 'Close unneeded streams, or raise the limit.',
  },
  TOO_MANY_SUBSCRIPTIONS: {
    summary: 'The stream has reached the limit of subscriptions.',
    fix: 'Unsubscribe unneeded views, or raise the limit.',
  },
  TOO_MANY_CONNECTIONS: {
    summary: 'This replica has reached its limit of connections.',
    fix: 'Retry after the delay in RetryInfo, or raise --max-connections.',
  },
  REQUEST_INCOMPLETE: {
    summary: 'The request took too long to arrive, or too much was being sent at once.',
    fix: 'Send requests without pauses, and fewer large ones at a time.',
  },
  PROTOCOL_VIOLATION: {
    summary: 'The messages of the stream arrived in an invalid order.',
    fix: 'Send `open` first, and only once.',
  },
  REQUEST_TOO_LARGE: {
    summary: 'The request is larger, or has more fields, than the method accepts.',
    fix: 'Split it; the metadata has the limit.',
  },
  UNKNOWN_METHOD: {
    summary: 'The server has no such method or service.',
    fix: 'Check the name; a newer client may need a newer server.',
  },
  UNAUTHENTICATED: {
    summary: 'The request carries no valid credentials.',
    fix: 'Send `authorization: Bearer <token>` with a token that the server knows.',
  },
  PERMISSION_DENIED: {
    summary: 'The caller may not do this.',
    fix: 'Use credentials with the required role and tenant.',
  },
  UNREACHABLE: {
    summary: 'The server is unreachable, or the connection broke. Only clients report it.',
    fix: 'Check the address and that the server is running; then retry.',
  },
  UNRECOGNIZED_STATUS: {
    summary: 'The call failed with a status whose reason this version does not know.',
    fix: 'Look at the code in the metadata and at the message; a proxy or another version may have sent it.',
  },
  STARTING: {
    summary: 'This replica is starting and is not ready to serve yet.',
    fix: 'Retry after the delay in RetryInfo; health reports SERVING once it is ready.',
  },
  SHUTTING_DOWN: {
    summary: 'This replica is shutting down.',
    fix: 'Retry after the delay in RetryInfo.',
  },
  CANCELLED: {
    summary: 'The caller cancelled the request.',
    fix: 'Nothing to do.',
  },
  DEADLINE_EXCEEDED: {
    summary: 'The deadline expired before there was a response.',
    fix: 'Retry with a longer deadline.',
  },
  CLOSED: {
    summary: 'The component was used after it had been closed.',
    fix: 'Open it again.',
  },
  UNSUPPORTED: {
    summary: 'The engine in use cannot do this.',
    fix: 'Use another deployment.',
  },
  INTERNAL: {
    summary: 'A defect in Switchboard. The log has the cause under the correlation id.',
    fix: 'Report it.',
  },
} as const satisfies Record<string, { summary: string; fix: string }>;

/** A stable, machine-readable reason. */
export type ErrorReason = keyof typeof ERROR_REASONS;

/** A rejected field: its path in the request, such as `server.spec.stdio.command`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What an error carries besides its reason. */
export interface ErrorDetails {
  /** Facts for the caller; no secrets. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** With INVALID_FIELD: each rejected field. */
  readonly violations?: readonly FieldViolation[];
  /** With a retryable reason: the delay before a retry, in milliseconds. */
  readonly retryDelayMs?: number;
  /** The underlying error; for logs, never sent. */
  readonly cause?: unknown;
}

/** The one error class. Branch on `reason`, never on the text. */
export class SwitchboardError extends Error {
  override readonly name = 'SwitchboardError';
  readonly reason: ErrorReason;
  readonly metadata: Readonly<Record<string, string>>;
  readonly violations: readonly FieldViolation[];
  readonly retryDelayMs: number | undefined;

  constructor(reason: ErrorReason, message?: string, details: ErrorDetails = {}) {
    super(message ?? ERROR_REASONS[reason].summary, { cause: details.cause });
    this.reason = reason;
    this.metadata = details.metadata ?? {};
    this.violations = details.violations ?? [];
    this.retryDelayMs = details.retryDelayMs;
  }
}

/** Whether `error` is ours, of `reason` if one is given. */
export function isSwitchboardError(
  error: unknown,
  reason?: ErrorReason,
): error is SwitchboardError {
  return error instanceof SwitchboardError && (reason === undefined || error.reason === reason);
}

/** An INVALID_FIELD error for the given fields, and for so many further ones that are not listed. */
export function invalidFields(
  violations: readonly FieldViolation[],
  furtherCount = 0,
): SwitchboardError {
  const texts = violations.map((v) => `${v.field}: ${v.description}`);
  if (furtherCount > 0) texts.push(`and ${String(furtherCount)} more`);
  return new SwitchboardError('INVALID_FIELD', texts.join('; '), { violations });
}

/** An INVALID_FIELD error for one field. */
export function invalidField(field: string, description: string): SwitchboardError {
  return invalidFields([{ field, description }]);
}
