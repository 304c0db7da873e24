import * as message from '../../../generated/switchboard/v1/private_source.js';
import type { SourceServers, SourceStatus } from '../../domain/source-record.js';
import type { WriteFields } from '../registry-codec.js';
import { fromSourceMessage, toServers } from '../source-record-codec.js';
import { type Answer, answerOf } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';

/** A removal of many servers takes several commits. Milliseconds. */
const REMOVAL_TIMEOUT_MS = 120_000;

/** The private source of the tenant. */
export type SourceAnswer = Answer<{ readonly source: SourceStatus }>;

/** What became of the servers of a source that was removed, or would become of them. */
export interface RemovedServers {
  readonly deletedCount: number;
  readonly keptCount: number;
}

/** The calls about the private source of the tenant. All throw a SwitchboardError. */
export function sourceCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    async getPrivateSource(): Promise<SourceAnswer> {
      const request = message.GetPrivateSourceRequest.fromPartial({ tenant });
      const answer = await callUnary(stub.getPrivateSource.bind(stub), request, { metadata });
      return answerOf('GetPrivateSourceResponse', answer, fromSourceAnswer);
    },

    async renamePrivateSource(
      write: WriteFields & { readonly name: string; readonly newName: string },
    ): Promise<SourceAnswer> {
      const request = message.RenamePrivateSourceRequest.fromPartial({ tenant, ...write });
      const answer = await callUnary(stub.renamePrivateSource.bind(stub), request, { metadata });
      return answerOf('RenamePrivateSourceResponse', answer, fromSourceAnswer);
    },

    async removePrivateSource({
      servers,
      ...write
    }: WriteFields & { readonly name: string; readonly servers: SourceServers }): Promise<
      Answer<RemovedServers>
    > {
      const request = message.RemovePrivateSourceRequest.fromPartial({
        tenant,
        servers: toServers(servers),
        ...write,
      });
      const answer = await callUnary(stub.removePrivateSource.bind(stub), request, {
        metadata,
        timeoutMs: REMOVAL_TIMEOUT_MS,
      });
      return answerOf('RemovePrivateSourceResponse', answer, ({ deletedCount, keptCount }) => ({
        deletedCount,
        keptCount,
      }));
    },
  };
}

function fromSourceAnswer({ source }: Pick<message.GetPrivateSourceResponse, 'source'>): {
  readonly source: SourceStatus;
} {
  return { source: fromSourceMessage(source) };
}
