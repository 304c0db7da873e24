import * as message from '../../../generated/switchboard/v1/registry_service.js';
import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import { type SwitchboardError } from '../../domain/errors.js';
import type { ServerKey } from '../../domain/held-connection.js';
import type { ReportedServer } from '../../domain/server.js';
import type { View } from '../../domain/view.js';
import type { WriteFields } from '../registry-codec.js';
import { fromReportedMessage } from '../server-codec.js';
import { toShadowPolicy } from '../shadow-codec.js';
import { fromRpcStatus } from '../status.js';
import { toViewMessage } from '../view-codec.js';
import { type Answer, answerOf, readAnswer } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';
import { readRevision } from './pages.js';

/** Servers come with their facts, of which so many fit in an answer. */
const PAGE_SIZE = 50;

/** Longer than the control plane itself allows an inspection. Milliseconds. */
const INSPECTION_TIMEOUT_MS = 120_000;

/** An answer about one server. */
export type ServerAnswer = Answer<{ readonly server: ReportedServer }>;

/** The calls that read servers, have one inspected or restored. All throw a SwitchboardError. */
export function serverCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    async getServer(view: View, key: ServerKey): Promise<ServerAnswer> {
      const request = message.GetServerRequest.fromPartial({
        tenant,
        view: toViewMessage(view),
        key: toKey(key),
      });
      const answer = await callUnary(stub.getServer.bind(stub), request, { metadata });
      return answerOf('GetServerResponse', answer, fromServerAnswer);
    },

    /** All servers of a view, of one revision. */
    async listServers(
      view: View,
    ): Promise<Answer<{ readonly servers: readonly ReportedServer[] }>> {
      const request = message.ListServersRequest.fromPartial({
        tenant,
        view: toViewMessage(view),
        pageSize: PAGE_SIZE,
      });
      const { pages, last } = await readRevision((pageToken) =>
        callUnary(stub.listServers.bind(stub), { ...request, pageToken }, { metadata }),
      );
      const answer = { ...last, servers: pages.flatMap(({ servers }) => servers) };
      return answerOf('ListServersResponse', answer, ({ servers }) => ({
        servers: servers.map(fromReportedMessage),
      }));
    },

    /** What each key names in a view, or why there is none, in the order of the keys. */
    async batchGetServers(
      view: View,
      keys: readonly ServerKey[],
    ): Promise<readonly (ReportedServer | SwitchboardError)[]> {
      const request = message.BatchGetServersRequest.fromPartial({
        tenant,
        view: toViewMessage(view),
        keys: keys.map((key) => ({ key: toKey(key) })),
      });
      const answer = await callUnary(stub.batchGetServers.bind(stub), request, { metadata });
      return readAnswer(answer, ({ results }) => results.map(fromResult));
    },

    /** Has the control plane connect to a server now. */
    async inspectServer(id: string): Promise<ServerAnswer> {
      const request = message.InspectServerRequest.fromPartial({ tenant, id });
      const answer = await callUnary(stub.inspectServer.bind(stub), request, {
        metadata,
        timeoutMs: INSPECTION_TIMEOUT_MS,
      });
      return answerOf('InspectServerResponse', answer, fromServerAnswer);
    },

    async undeleteServer({
      policy,
      ...write
    }: WriteFields & {
      readonly id: string;
      readonly policy: ShadowPolicy;
    }): Promise<ServerAnswer> {
      const request = message.UndeleteServerRequest.fromPartial({
        tenant,
        ...write,
        policy: toShadowPolicy(policy),
      });
      const answer = await callUnary(stub.undeleteServer.bind(stub), request, { metadata });
      return answerOf('UndeleteServerResponse', answer, fromServerAnswer);
    },
  };
}

function toKey(key: ServerKey): NonNullable<message.ServerKey['key']> {
  return 'name' in key ? { $case: 'name', value: key.name } : { $case: 'id', value: key.id };
}

function fromServerAnswer({ server }: Pick<message.GetServerResponse, 'server'>): {
  readonly server: ReportedServer;
} {
  return { server: fromReportedMessage(server) };
}

function fromResult({ result }: message.ServerResult): ReportedServer | SwitchboardError {
  return result?.$case === 'error'
    ? fromRpcStatus(result.value)
    : fromReportedMessage(result?.value);
}
