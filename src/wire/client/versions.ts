import * as message from '../../../generated/switchboard/v1/registry_service.js';
import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import type { FieldChange } from '../../domain/field-change.js';
import type { ReportedServer } from '../../domain/server.js';
import {
  fromAccessChange,
  fromVersion,
  type ReportedAccess,
  type ReportedVersion,
} from '../history-codec.js';
import type { WriteFields } from '../registry-codec.js';
import { fromReportedMessage } from '../server-codec.js';
import { toShadowPolicy } from '../shadow-codec.js';
import { type Answer, answerOf } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';
import { readPages } from './pages.js';

const PAGE_SIZE = 1_000;

export type { ReportedAccess, ReportedVersion };

/** The history of a server: each list has the newest first. */
export interface ServerHistory {
  readonly versions: readonly ReportedVersion[];
  readonly accessChanges: readonly ReportedAccess[];
}

/** A server that was rolled back, or would be, and the fields that this changes. */
export interface RolledBack {
  readonly server: ReportedServer;
  readonly changes: readonly FieldChange[];
}

/** The calls about the versions of a server. All throw a SwitchboardError. */
export function versionCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    /** All versions of a server and all changes of access to it. */
    async listServerVersions(id: string): Promise<Answer<ServerHistory>> {
      const request = message.ListServerVersionsRequest.fromPartial({
        tenant,
        id,
        pageSize: PAGE_SIZE,
      });
      const { pages, last } = await readPages((pageToken) =>
        callUnary(stub.listServerVersions.bind(stub), { ...request, pageToken }, { metadata }),
      );
      const answer = {
        ...last,
        versions: pages.flatMap(({ versions }) => versions),
        accessChanges: pages.flatMap(({ accessChanges }) => accessChanges),
      };
      return answerOf('ListServerVersionsResponse', answer, ({ versions, accessChanges }) => ({
        versions: versions.map(fromVersion),
        accessChanges: accessChanges.map(fromAccessChange),
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
        policy: toShadowPolicy(policy),
      });
      const answer = await callUnary(stub.rollbackServer.bind(stub), request, { metadata });
      return answerOf('RollbackServerResponse', answer, ({ server, changes }) => ({
        server: fromReportedMessage(server),
        changes,
      }));
    },
  };
}
