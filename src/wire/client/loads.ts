import * as message from '../../../generated/switchboard/v1/private_load.js';
import type { LoadStatus } from '../../domain/load-record.js';
import { fromLoadMessage } from '../load-codec.js';
import type { WriteFields } from '../registry-codec.js';
import { type Answer, answerOf } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';

/** A source may have this long, and a purge takes several commits. Milliseconds. */
const TIMEOUT_MS = 120_000;

/** How far the private servers of a user are loaded. */
export type LoadAnswer = Answer<{ readonly load: LoadStatus }>;

/** The calls about what is loaded for one user. All throw a SwitchboardError. */
export function loadCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    /** With `force`, what is loaded is loaded again. */
    async loadPrivateServers(user: string, force: boolean): Promise<LoadAnswer> {
      const answer = await callUnary(
        stub.loadPrivateServers.bind(stub),
        message.LoadPrivateServersRequest.fromPartial({ tenant, user, force }),
        { metadata, timeoutMs: TIMEOUT_MS },
      );
      return answerOf('LoadPrivateServersResponse', answer, fromLoadAnswer);
    },

    async getPrivateLoadStatus(user: string): Promise<LoadAnswer> {
      const answer = await callUnary(
        stub.getPrivateLoadStatus.bind(stub),
        message.GetPrivateLoadStatusRequest.fromPartial({ tenant, user }),
        { metadata },
      );
      return answerOf('GetPrivateLoadStatusResponse', answer, fromLoadAnswer);
    },

    async invalidateUser(
      write: Omit<WriteFields, 'validateOnly'> & { readonly user: string },
    ): Promise<LoadAnswer> {
      const answer = await callUnary(
        stub.invalidateUser.bind(stub),
        message.InvalidateUserRequest.fromPartial({ tenant, ...write }),
        { metadata },
      );
      return answerOf('InvalidateUserResponse', answer, fromLoadAnswer);
    },

    async purgeUser(
      write: WriteFields & { readonly user: string },
    ): Promise<Answer<{ readonly deletedCount: number; readonly revokedCount: number }>> {
      const answer = await callUnary(
        stub.purgeUser.bind(stub),
        message.PurgeUserRequest.fromPartial({ tenant, ...write }),
        { metadata, timeoutMs: TIMEOUT_MS },
      );
      return answerOf('PurgeUserResponse', answer, ({ deletedCount, revokedCount }) => ({
        deletedCount,
        revokedCount,
      }));
    },
  };
}

function fromLoadAnswer({ load }: Pick<message.LoadPrivateServersResponse, 'load'>): {
  readonly load: LoadStatus;
} {
  return { load: fromLoadMessage(load) };
}
