import * as message from '../../../generated/switchboard/v1/registry_service.js';
import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import { fromApplyResult, type ApplyResult } from '../apply-codec.js';
import { answerToJson } from '../json.js';
import type { WriteFields } from '../registry-codec.js';
import { toDeclarationMessage, type DeclaredServer } from '../server-codec.js';
import { toShadowPolicy } from '../shadow-codec.js';
import { type Answer, answerOf } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';

/** A whole set may take so long. Milliseconds. */
const TIMEOUT_MS = 60_000;

export type { ApplyResult };

/** A server to apply, with the etag of the copy that it was made from; empty for none. */
export interface AppliedServer {
  readonly server: DeclaredServer;
  readonly etag: string;
}

/** Servers of a declared set to apply. */
export interface ApplyWrite extends WriteFields {
  readonly set: string;
  readonly servers: readonly AppliedServer[];
  readonly prune: boolean;
  readonly allOrNothing: boolean;
  readonly takeOver: boolean;
  readonly policy: ShadowPolicy;
}

/** What became of the servers of a set: those of the request in its order, then others of the set. */
export type ApplyAnswer = Answer<{ readonly results: readonly Answer<ApplyResult>[] }>;

/** The call that applies a set. Throws a SwitchboardError. */
export function applyCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    async applyServers({ servers, policy, ...write }: ApplyWrite): Promise<ApplyAnswer> {
      const request = message.ApplyServersRequest.fromPartial({
        tenant,
        servers: servers.map(({ server, etag }) => toDeclarationMessage(server, etag)),
        ...write,
        policy: toShadowPolicy(policy),
      });
      const answer = await callUnary(stub.applyServers.bind(stub), request, {
        metadata,
        timeoutMs: TIMEOUT_MS,
      });
      return fromApplyResponse(answer);
    },
  };
}

/** Reads the answer to ApplyServers. */
export function fromApplyResponse(answer: message.ApplyServersResponse): ApplyAnswer {
  return answerOf('ApplyServersResponse', answer, ({ results }) => ({
    results: results.map((result) => ({
      ...fromApplyResult(result),
      toJSON: () => answerToJson('ApplyResult', result),
    })),
  }));
}
