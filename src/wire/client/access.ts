import * as access from '../../../generated/switchboard/v1/access.js';
import * as message from '../../../generated/switchboard/v1/registry_service.js';
import type { Grant, ReportedServer } from '../../domain/server.js';
import type { Subject, View } from '../../domain/view.js';
import { fromExplanation, type AccessExplanation } from '../explain-codec.js';
import type { WriteFields } from '../registry-codec.js';
import { fromReportedMessage } from '../server-codec.js';
import { toViewMessage } from '../view-codec.js';
import { type Answer, answerOf } from './answer.js';
import { callUnary, type RegistryCalls } from './call.js';
import { readRevision } from './pages.js';

const PAGE_SIZE = 10_000;

export type { AccessExplanation };

/** Changes who may use a server. */
export interface AccessWrite extends WriteFields {
  readonly id: string;
  readonly subjects: readonly string[];
}

/** The calls about who may use a server. All throw a SwitchboardError. */
export function accessCalls({ stub, tenant, metadata }: RegistryCalls) {
  const toWrite = <W extends AccessWrite>(write: W) => {
    return { tenant, ...write, subjects: [...write.subjects] };
  };

  return {
    async explainAccess(view: View, name: string): Promise<Answer<AccessExplanation>> {
      const request = message.ExplainAccessRequest.fromPartial({
        tenant,
        view: toViewMessage(view),
        name,
      });
      const answer = await callUnary(stub.explainAccess.bind(stub), request, { metadata });
      return answerOf('ExplainAccessResponse', answer, fromExplanation);
    },

    /** All grants of a server, of one revision. */
    async listGrants(
      id: string,
    ): Promise<Answer<{ readonly server: ReportedServer; readonly grants: readonly Grant[] }>> {
      const request = access.ListGrantsRequest.fromPartial({ tenant, id, pageSize: PAGE_SIZE });
      const { pages, last } = await readRevision((pageToken) =>
        callUnary(stub.listGrants.bind(stub), { ...request, pageToken }, { metadata }),
      );
      const answer = { ...last, grants: pages.flatMap(({ grants }) => grants) };
      return answerOf('ListGrantsResponse', answer, ({ server, grants }) => ({
        server: fromReportedMessage(server),
        grants: grants.map(({ subject, revision }) => ({ subject: subject as Subject, revision })),
      }));
    },

    async setAccess(
      write: AccessWrite & { readonly accessEtag: string },
    ): Promise<Answer<{ readonly added: readonly string[]; readonly removed: readonly string[] }>> {
      const request = access.SetAccessRequest.fromPartial(toWrite(write));
      const answer = await callUnary(stub.setAccess.bind(stub), request, { metadata });
      return answerOf('SetAccessResponse', answer, ({ added, removed }) => ({ added, removed }));
    },

    async grantAccess(write: AccessWrite): Promise<Answer<{ readonly added: readonly string[] }>> {
      const request = access.GrantAccessRequest.fromPartial(toWrite(write));
      const answer = await callUnary(stub.grantAccess.bind(stub), request, { metadata });
      return answerOf('GrantAccessResponse', answer, ({ added }) => ({ added }));
    },

    async revokeAccess(
      write: AccessWrite,
    ): Promise<Answer<{ readonly removed: readonly string[] }>> {
      const request = access.RevokeAccessRequest.fromPartial(toWrite(write));
      const answer = await callUnary(stub.revokeAccess.bind(stub), request, { metadata });
      return answerOf('RevokeAccessResponse', answer, ({ removed }) => ({ removed }));
    },
  };
}
