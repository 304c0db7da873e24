import { digestText } from './digest.js';

/** What was found out about a server by connecting to it. Apart from what people declare. */
export interface ServerFacts {
  /** The last observation that succeeded. */
  readonly observation?: Observation;
  /** Undefined: nobody looked yet. `unknown`: somebody looked and could not tell. */
  readonly oauthNeed?: OAuthNeed;
  /** Set while the newest inspection is one that failed. */
  readonly failure?: InspectionFailure;
}

export type OAuthNeed = 'unknown' | 'no' | 'yes';

/** What a server told of itself once. */
export interface Observation extends ObservedFacts {
  /** The config hash of the server then. Another one now: outdated. */
  readonly configHash: string;
  /** Milliseconds since 1970, for people. */
  readonly observeTime: number;
  /** The replica or the node. */
  readonly observedBy: string;
}

/** What a server tells of itself. */
export interface ObservedFacts {
  readonly protocolEra: 'legacy' | 'modern';
  /** Empty if none was agreed on. */
  readonly protocolVersion: string;
  readonly serverName: string;
  readonly serverVersion: string;
  /** For a model; empty for none. */
  readonly instructions: string;
  /** JSON text of an object. */
  readonly capabilitiesJson: string;
  /** Those that fit in the budget, in the server's order. */
  readonly tools: readonly ObservedTool[];
  /** How many it offers. */
  readonly toolCount: number;
}

/** One tool as its server describes it. Texts that are not told are empty. */
export interface ObservedTool {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** JSON text of a JSON Schema. */
  readonly inputSchemaJson: string;
}

/** Why nothing was found out. */
export interface InspectionFailure {
  readonly reason: InspectionFailureReason;
  /** For people; holds nothing secret. */
  readonly message: string;
  /** The config hash of the server when it was tried. */
  readonly configHash: string;
  /** Milliseconds since 1970, for people. */
  readonly failTime: number;
  /** How many failed since the last success or change of the configuration. */
  readonly attempts: number;
  /** Milliseconds since 1970, for people; undefined if it is not tried again. */
  readonly nextAttemptTime?: number;
}

export type InspectionFailureReason =
  | 'UNREACHABLE'
  | 'TIMEOUT'
  | 'UNAUTHORIZED'
  | 'INVALID_ANSWER'
  | 'TOO_LARGE'
  | 'NEEDS_NODE'
  | 'STDIO_NOT_ALLOWED'
  | 'TRANSPORT_NOT_ALLOWED';

/** The etag of facts that are recorded after a position; of no facts, it is empty. */
export function factsEtagOf(
  after: { readonly epoch: string; readonly fingerprint: string },
  id: string,
): string {
  return digestText('facts', after.epoch, after.fingerprint, id);
}
