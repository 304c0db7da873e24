import { type ServiceError, status } from '@grpc/grpc-js';
import { SwitchboardError } from '../../domain/errors.js';
import { ellipsize } from '../../domain/truncate.js';
import { SOURCE_SERVICE } from '../../wire/source-client.js';
import { fromStatus } from '../../wire/status.js';

/** What a failure tells of the source that it came from. */
export interface SourceIdentity {
  readonly name: string;
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

type CodeName = keyof typeof status;

/** After how long it is worth trying again. Milliseconds. */
const RETRY_DELAY_MS = 1_000;
/** The same where a person has to do something first. */
const MEND_DELAY_MS = 10_000;
/** A source may ask for less or more, within these bounds. */
const MIN_DELAY_MS = 100;
const MAX_DELAY_MS = 300_000;

/** So much of what a source says is passed on. */
const MAX_TEXT = 200;

/** What a call to the source failed with, as SOURCE_UNAVAILABLE, or as SOURCE_TOO_LARGE. */
export function failureOfCall(source: SourceIdentity, failure: ServiceError): SwitchboardError {
  if (isTooLarge(failure)) {
    return tooLarge(source, `a message of more than max_bytes, ${String(source.maxBytes)}`);
  }
  const code = (status[failure.code] as CodeName | undefined) ?? 'UNKNOWN';
  const advice = adviceFor(code, source);
  // What is said of a credential that is refused might repeat it.
  const quote = NEEDS_CREDENTIALS.has(code) ? '' : quoted(failure.details);
  return unavailable(source, {
    code,
    what: `${advice.text} (${code}${quote})`,
    retryDelayMs: askedDelay(failure) ?? advice.retryDelayMs,
    cause: failure,
  });
}

/** SOURCE_UNAVAILABLE; `code` is that of gRPC, and `what` says what to check. */
export function unavailable(
  { name }: Pick<SourceIdentity, 'name'>,
  failure: {
    readonly code: CodeName;
    readonly what: string;
    readonly retryDelayMs?: number;
    readonly cause?: unknown;
  },
): SwitchboardError {
  const { code, what, retryDelayMs = RETRY_DELAY_MS, cause } = failure;
  return new SwitchboardError('SOURCE_UNAVAILABLE', `private source ${name}: ${what}`, {
    metadata: { source: name, code },
    retryDelayMs,
    cause,
  });
}

/** SOURCE_TOO_LARGE: it answered `what`. */
export function tooLarge({ name }: Pick<SourceIdentity, 'name'>, what: string): SwitchboardError {
  return new SwitchboardError('SOURCE_TOO_LARGE', `private source ${name} returned ${what}`, {
    metadata: { source: name },
  });
}

const NEEDS_CREDENTIALS: ReadonlySet<CodeName> = new Set(['UNAUTHENTICATED', 'PERMISSION_DENIED']);

function adviceFor(
  code: CodeName,
  { timeoutMs }: SourceIdentity,
): { readonly text: string; readonly retryDelayMs: number } {
  if (code === 'UNAVAILABLE') {
    const text =
      'is unreachable, or the connection broke: check its target, its tls, and that it is running';
    return { text, retryDelayMs: RETRY_DELAY_MS };
  }
  if (code === 'DEADLINE_EXCEEDED') {
    const text = `did not respond within ${String(timeoutMs)} ms: check that it is running, or raise its timeout`;
    return { text, retryDelayMs: RETRY_DELAY_MS };
  }
  if (NEEDS_CREDENTIALS.has(code)) {
    const text = 'rejected the call: check its token_file and its tls';
    return { text, retryDelayMs: MEND_DELAY_MS };
  }
  if (code === 'UNIMPLEMENTED') {
    const text = `does not serve ${SOURCE_SERVICE}: check its target`;
    return { text, retryDelayMs: MEND_DELAY_MS };
  }
  return { text: 'failed: its own log should say why', retryDelayMs: RETRY_DELAY_MS };
}

/**
 * Whether grpc-js itself refused a message for its size. It has no code of its own for that:
 * a source that has run out of something answers RESOURCE_EXHAUSTED too.
 */
function isTooLarge({ code, details }: ServiceError): boolean {
  return (
    code === status.RESOURCE_EXHAUSTED &&
    /^Received message (larger than max|that decompresses to a size larger than)/.test(details)
  );
}

/** The RetryInfo of the source. */
function askedDelay(failure: ServiceError): number | undefined {
  const asked = fromStatus(failure).retryDelayMs;
  if (asked === undefined || !(asked >= 0)) return undefined;
  return Math.min(Math.max(asked, MIN_DELAY_MS), MAX_DELAY_MS);
}

function quoted(details: string): string {
  const text = details.replaceAll(/\s+/g, ' ').trim();
  return text === '' ? '' : `: ${ellipsize(text, MAX_TEXT)}`;
}
