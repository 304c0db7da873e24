/**
 * The one list of error reasons. A reason is stable: clients branch on it, never on
 * text. `summary` says what happened, `fix` what to do; docs/errors.md is made of
 * them. The gRPC code of each reason stands in wire/status.ts.
 */
export const ERROR_REASONS = {
  SERVER_NOT_FOUND: {
    summary: 'No such server, or none that this view may see.',
    fix: 'Check the name or id, and the view that was asked for.',
  },
  NAME_TAKEN: {
    summary: 'Another server of this scope already has the name.',
    fix: 'Choose another name, or change the server that has it.',
  },
  INVALID_FIELD: {
    summary: 'A field of the request is missing or has a value that is not allowed.',
    fix: 'Correct the fields that the BadRequest detail names.',
  },
  REQUEST_ID_REUSED: {
    summary: 'The request id was used for another request within the last 24 hours.',
    fix: 'Use a new request id for a new request.',
  },
  TOKEN_INVALID: {
    summary: 'The token was not made by Switchboard, was damaged, or is of another tenant.',
    fix: 'Send a token unchanged, to the tenant that gave it.',
  },
  ETAG_MISMATCH: {
    summary: 'The server was changed since the copy that this change was made from.',
    fix: 'Read the server again and decide again; the metadata holds the current etag.',
  },
  PAGE_EXPIRED: {
    summary: 'The list has changed since the page before.',
    fix: 'Start the list again without a page token.',
  },
  TIER_CHANGE_NOT_ALLOWED: {
    summary: 'This method does not move a server between PRIVATE and the shared tiers.',
    fix: 'Use promote or demote.',
  },
  WRONG_TIER: {
    summary: 'The server is not of a tier that this method works on.',
    fix: 'Access belongs to PRIVATE servers; promote PRIVATE ones, demote APP and USER ones.',
  },
  WOULD_SHADOW: {
    summary: 'Private servers of other owners have the name and would be hidden.',
    fix: 'Rename the server first, or promote with SHADOW_POLICY_SHADOW.',
  },
  TOO_MANY_GRANTS: {
    summary: 'A server can be granted to at most 10,000 subjects.',
    fix: 'Grant it to a group.',
  },
  MANAGED_BY_SOURCE: {
    summary: 'The server comes from a private source and can be changed only there.',
    fix: 'Change it at the source, then call InvalidateUser; to share it with all, promote it.',
  },
  USER_PURGED: {
    summary: 'The user was purged, so nothing is loaded.',
    fix: 'If the user is back, call LoadPrivateServers with force.',
  },
  SOURCE_UNAVAILABLE: {
    summary: 'The private source cannot be reached, did not answer in time, or failed.',
    fix: 'Try again after the retry delay; check the source.',
  },
  SOURCE_TOO_LARGE: {
    summary: 'The private source answered more than a load may hold.',
    fix: 'Raise the limits of the source, or let it answer fewer servers.',
  },
  SOURCE_DIFFERS: {
    summary: 'The configuration of this replica names another private source than the tenant has.',
    fix: 'Correct the file of --private-sources, or rename or remove the source of the tenant.',
  },
  SOURCE_REMOVED: {
    summary: 'The private source was removed from the tenant, so nothing is loaded from it.',
    fix: 'Take it out of the configuration; to load from it again, give it a new name there.',
  },
  SOURCE_MISMATCH: {
    summary: 'The private source of the tenant is not the one that the request names.',
    fix: 'Read it with GetPrivateSource and decide again.',
  },
  LOAD_CONFLICT: {
    summary: 'What the load would change was changed meanwhile, again and again.',
    fix: 'Try again after the retry delay.',
  },
  ROW_CONTRADICTS: {
    summary: 'Rows of the private source contradict each other.',
    fix: 'Let each row have an id of its own, and each owner a name once.',
  },
  ROW_NOT_ALLOWED: {
    summary: 'The private source may not speak for this server.',
    fix: 'Allow foreign owners for the source, or leave the row out.',
  },
  ROW_BROKEN: {
    summary: 'The private source could not tell this server.',
    fix: 'Mend it at the source; what was known of it stays until then.',
  },
  OTHER_SOURCE: {
    summary: 'The server belongs to another declared set.',
    fix: 'Remove it there first, or apply with take_over.',
  },
  VERSION_NOT_FOUND: {
    summary: 'The server has no such version that could be returned to.',
    fix: 'List its versions; the deletion is none to return to.',
  },
  NOT_DELETED: {
    summary: 'The server is not deleted.',
    fix: 'Nothing to do; to return to an older version, roll it back.',
  },
  EPOCH_CHANGED: {
    summary: 'The token is of a former life of the log.',
    fix: 'Drop the token and read again.',
  },
  NOT_CAUGHT_UP: {
    summary: 'The replica did not reach the demanded state before the deadline.',
    fix: 'Try again, with a longer deadline.',
  },
  NOT_WRITTEN: {
    summary: 'The write failed and nothing was written.',
    fix: 'Try again.',
  },
  OUTCOME_UNKNOWN: {
    summary: 'The write may or may not have been committed.',
    fix: 'Repeat it with the same request id.',
  },
  CATALOG_UNAVAILABLE: {
    summary: 'The Catalog cannot be reached or cannot store any more.',
    fix: 'Try again after the retry delay; check the disk or the database.',
  },
  COMMIT_TOO_LARGE: {
    summary: 'The change is larger than 8 MB when encoded.',
    fix: 'Split it.',
  },
  ANSWER_TOO_LARGE: {
    summary: 'The answer has no room left for this server.',
    fix: 'Ask for it in another request, with fewer keys.',
  },
  SLOW_CONSUMER: {
    summary: 'The stream fell too far behind, too often, or never acknowledged.',
    fix: 'Read faster; open the stream again with the last token.',
  },
  TOO_MANY_STREAMS: {
    summary: 'The limit of open streams is reached.',
    fix: 'Close streams that are not needed, or raise the limit.',
  },
  TOO_MANY_SUBSCRIPTIONS: {
    summary: 'The stream has as many subscriptions as are allowed.',
    fix: 'Unsubscribe views that are not needed, or raise the limit.',
  },
  PROTOCOL_VIOLATION: {
    summary: 'The messages of the stream came in an order that is not allowed.',
    fix: 'Send `open` first and once.',
  },
  UNAUTHENTICATED: {
    summary: 'The request carries no valid credential.',
    fix: 'Send `authorization: Bearer <token>` with a token that the server knows.',
  },
  PERMISSION_DENIED: {
    summary: 'The caller may not do this.',
    fix: 'Use a credential with the role or the tenant that it needs.',
  },
  UNREACHABLE: {
    summary: 'The server cannot be reached, or the connection broke. Only clients report it.',
    fix: 'Check the address and that the server is running; try again.',
  },
  UNRECOGNIZED_STATUS: {
    summary: 'The call failed with a status that has no reason which this version knows.',
    fix: 'See its code in the metadata and its message; a proxy or another version may have sent it.',
  },
  STARTING: {
    summary: 'This replica has started and is not ready to serve yet.',
    fix: 'Try again after the retry delay; health says SERVING once it is ready.',
  },
  SHUTTING_DOWN: {
    summary: 'This replica is shutting down.',
    fix: 'Try again after the retry delay.',
  },
  CANCELLED: {
    summary: 'The caller cancelled the request.',
    fix: 'Nothing to do.',
  },
  DEADLINE_EXCEEDED: {
    summary: 'The deadline passed before there was an answer.',
    fix: 'Try again, with a longer deadline.',
  },
  CLOSED: {
    summary: 'The component was used after it was closed.',
    fix: 'Open it again.',
  },
  UNSUPPORTED: {
    summary: 'The engine in use cannot do this.',
    fix: 'Use another deployment.',
  },
  INTERNAL: {
    summary: 'A defect of Switchboard. The log has the cause under the correlation id.',
    fix: 'Report it.',
  },
} as const satisfies Record<string, { summary: string; fix: string }>;

/** A stable, machine-readable reason. */
export type ErrorReason = keyof typeof ERROR_REASONS;

/** A field that was refused: its path in the request, such as `server.spec.stdio.command`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** What an error carries besides its reason. */
export interface ErrorDetails {
  /** Facts for the caller; no secrets. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** With INVALID_FIELD: each field that was refused. */
  readonly violations?: readonly FieldViolation[];
  /** With a reason that is worth trying again: after how many milliseconds. */
  readonly retryDelayMs?: number;
  /** What led to it; for logs, never sent. */
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

/** An INVALID_FIELD error for the given fields. */
export function invalidFields(violations: readonly FieldViolation[]): SwitchboardError {
  const text = violations.map((v) => `${v.field}: ${v.description}`).join('; ');
  return new SwitchboardError('INVALID_FIELD', text, { violations });
}

/** An INVALID_FIELD error for one field. */
export function invalidField(field: string, description: string): SwitchboardError {
  return invalidFields([{ field, description }]);
}
