import type * as message from '../../generated/switchboard/v1/registry_service.js';
import * as server from '../../generated/switchboard/v1/server.js';
import { invalidField } from '../domain/errors.js';
import type { OAuthNeed, Observation, ObservedFacts } from '../domain/facts.js';
import {
  fromOAuthNeedMessage,
  fromObservationMessage,
  toObservationMessage,
} from './facts-codec.js';
import { tenantOf } from './node-messages.js';
import type { Command, Read } from './registry-codec.js';
import { toHeaderMessage, type HeaderFacts } from './view-codec.js';

export function fromInspectServer(request: message.InspectServerRequest): Read<{ id: string }> {
  return { tenant: tenantOf(request.tenant), query: { id: request.id } };
}

/** What a node tells. Throws INVALID_FIELD if it tells nothing. */
export function fromRecordFacts(request: message.RecordFactsRequest): Command<{
  id: string;
  configHash: string;
  observedBy: string;
  observed: ObservedFacts;
  oauthNeed?: OAuthNeed;
}> {
  const { id, observation } = request;
  if (observation === undefined) throw invalidField('observation', 'is required');
  const era = observation.protocolEra;
  if (
    era !== server.ProtocolEra.PROTOCOL_ERA_LEGACY &&
    era !== server.ProtocolEra.PROTOCOL_ERA_MODERN
  ) {
    throw invalidField('observation.protocol_era', 'is required: legacy or modern');
  }
  const {
    configHash,
    observedBy,
    observeTime: _,
    ...observed
  } = fromObservationMessage(observation);
  const oauthNeed = fromOAuthNeedMessage(request.oauthNeed);
  return {
    tenant: tenantOf(request.tenant),
    command: {
      id,
      configHash,
      observedBy,
      observed,
      ...(oauthNeed === undefined ? {} : { oauthNeed }),
    },
  };
}

/** What a node tells, as a message. The time is the control plane's to set. */
export function toRecordFactsRequest(told: {
  readonly tenant: string;
  readonly id: string;
  readonly observation: Omit<Observation, 'observeTime'>;
}): message.RecordFactsRequest {
  const { tenant, id, observation } = told;
  return {
    tenant,
    id,
    observation: toObservationMessage({ ...observation, observeTime: 0 }),
    oauthNeed: server.OauthNeed.OAUTH_NEED_UNSPECIFIED,
  };
}

export function toRecordFactsResponse(
  header: HeaderFacts,
  recorded: boolean,
): message.RecordFactsResponse {
  return { header: toHeaderMessage(header), recorded };
}
