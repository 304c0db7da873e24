import * as message from '../../../generated/switchboard/v1/registry_service.js';
import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import type { FieldChange } from '../../domain/field-change.js';
import type { ReportedServer } from '../../domain/server.js';
import { fromVersion, type ReportedVersion } from '../history-codec.js';
import type { WriteFields } from '../registry-codec.js';
import { fromReportedMessage } from '../server-codec.js';
import { toPolicy } from '../shadow-codec.js';
import { type Answer, answerOf } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';
import { readPages } from './pages.js';

const PAGE_SIZE = 1_000;

export type { ReportedVersion };

/** A server that was rolled back, or would be, and the fields that this changes. */
export interface RolledBack {
  readonly server: ReportedServer;
  readonly changes: readonly FieldChange[];
}

/** The calls about the versions of a server. All throw a SwitchboardError. */
export function versionCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    /** All versions of a server, the newest first. */
    async listServerVersions(
      id: string,
    ): Promise<Answer<{ readonly versions: readonly ReportedVersion[] }>> {
      const request = message.ListServerVersionsRequest.fromPartial({
        tenant,
        id,
        pageSize: PAGE_SIZE,
      });
      const { pages, last } = await readPages((pageToken) =>
        callUnary(stub.listServerVersions.bind(stub), { ...request, pageToken }, { metadata }),
      );
      const answer = { ...last, versions: pages.flatMap(({ versions }) => versions) };
      return answerOf('ListServerVersionsResponse', answer, ({ versions }) => ({
        versions: versions.map(fromVersion),
      }));
    },

    async rollbackServer({
      policy,
      ...write
    }: WriteFields & {
      readonly id: string;
      readonly etag: string;
      readonly generation: number;
      readonly policy: ShadowPolicy;
    }): Promise<Answer<RolledBack>> {
      const request = message.RollbackServerRequest.fromPartial({
        tenant,
        ...write,
        policy: toPolicy(policy),
      });
      const answer = await callUnary(stub.rollbackServer.bind(stub), request, { metadata });
      return answerOf('RollbackServerResponse', answer, ({ server, changes }) => ({
        server: fromReportedMessage(server),
        changes,
      }));
    },
  };
}
