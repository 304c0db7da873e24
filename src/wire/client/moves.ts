import * as message from '../../../generated/switchboard/v1/registry_service.js';
import type { ReportedServer } from '../../domain/server.js';
import type { ShadowPolicy } from '../../domain/commands/shadow.js';
import { toShadowPolicy } from '../shadow-codec.js';
import { fromReportedMessage, toTierMessage } from '../server-codec.js';
import type { WriteFields } from '../registry-codec.js';
import type { AccessWrite } from './access.js';
import { type Answer, answerOf } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';

/** A private server that has the name of a server which is moved. */
export interface Namesake {
  readonly id: string;
  readonly owner: string;
}

/** What became of a server that was moved, or would become of it. */
export interface Moved {
  readonly server: ReportedServer;
  /** Those that it hides from then on, or no longer. */
  readonly namesakes: readonly Namesake[];
  /** Whether there are more of them. */
  readonly more: boolean;
}

/** The calls that move a server to another tier. All throw a SwitchboardError. */
export function moveCalls({ stub, tenant, metadata }: RegistryCalls) {
  return {
    async promoteServer({
      tier,
      policy,
      ...write
    }: WriteFields & {
      readonly id: string;
      readonly etag: string;
      readonly tier: 'APP' | 'USER';
      readonly policy: ShadowPolicy;
    }): Promise<Answer<Moved>> {
      const request = message.PromoteServerRequest.fromPartial({
        tenant,
        tier: toTierMessage(tier),
        policy: toShadowPolicy(policy),
        ...write,
      });
      const answer = await callUnary(stub.promoteServer.bind(stub), request, { metadata });
      return answerOf('PromoteServerResponse', answer, ({ server, shadowed, moreShadowed }) => ({
        server: fromReportedMessage(server),
        namesakes: shadowed,
        more: moreShadowed,
      }));
    },

    /** Without a name, it keeps the one that it has. */
    async demoteServer(
      write: AccessWrite & {
        readonly etag: string;
        readonly owner: string;
        readonly name: string;
      },
    ): Promise<Answer<Moved>> {
      const request = message.DemoteServerRequest.fromPartial({
        tenant,
        ...write,
        subjects: [...write.subjects],
      });
      const answer = await callUnary(stub.demoteServer.bind(stub), request, { metadata });
      return answerOf('DemoteServerResponse', answer, ({ server, uncovered, moreUncovered }) => ({
        server: fromReportedMessage(server),
        namesakes: uncovered,
        more: moreUncovered,
      }));
    },
  };
}
