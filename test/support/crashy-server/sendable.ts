import { Server, Tier } from '../../../generated/switchboard/v1/server.js';
import { canonicalJson } from '../../../src/domain/digest.js';
import type { Tier as DomainTier } from '../../../src/domain/server.js';
import type { Write, WriteAnswer } from './history.js';
import { serverOf, type Admin } from '../grpc-admin/grpc-admin.js';
import type { Random } from '../random.js';

/** A write that can be sent, again and again, always with the same request id and body. */
export interface SendableWrite extends Write {
  readonly answers: WriteAnswer[];
  readonly refusals: string[];
  /** How often it was sent without learning what became of it. */
  unknown: number;
  /** Answers `idle` if there was nothing to change, so that nothing was written. */
  readonly deliver: (
    admin: Admin,
  ) => Promise<(WriteAnswer & { readonly server?: Server }) | 'idle'>;
  readonly isDelete: boolean;
}

/** The servers of one tenant as the writers know them: newest copy each has seen. */
export type Known = Map<string, Server>;

export interface WriteSource {
  readonly random: Random;
  readonly tenant: string;
  readonly known: Known;
  /** Users who got something, to be purged once each; left out: nobody is purged. */
  readonly guests?: Set<string>;
  /** Users of a private source, who may be invalidated. */
  readonly sourceUsers?: readonly string[];
}

export const USERS = ['ana', 'bob', 'cy'] as const;
/** How the log calls the tiers. */
export const TIER_NAMES: Readonly<Record<number, DomainTier>> = {
  [Tier.TIER_APP]: 'APP',
  [Tier.TIER_USER]: 'USER',
  [Tier.TIER_PRIVATE]: 'PRIVATE',
};

/** A write that was not sent yet. */
export function sendable(
  write: Omit<SendableWrite, 'answers' | 'refusals' | 'unknown'>,
): SendableWrite {
  return { ...write, answers: [], refusals: [], unknown: 0 };
}

/** All of an answer but its token, as one comparable text. */
export function bodyOf(
  answer: { readonly server: Server | undefined; readonly affected?: unknown },
  more: unknown = [],
): string {
  const { affected } = answer;
  return canonicalJson({ server: Server.toJSON(serverOf(answer)), affected, more });
}
