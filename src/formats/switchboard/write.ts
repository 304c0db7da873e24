import { specToJson } from '../../wire/spec-json.js';
import { type Draft, type JsonObject, lost } from '../draft.js';
import { holdsSecret } from '../write-oauth.js';

/** A server as an element of `servers` in our own format, which can say everything of it. */
export function writeOwnServer(draft: Draft): JsonObject {
  const { name, externalId, tier, owner, spec } = draft.server;
  const { oauth } = spec;
  const leaks = oauth !== undefined && holdsSecret(oauth.clientSecret);
  if (leaks) {
    const reason = 'a secret is never written; use a reference such as ${secret:NAME}';
    lost(draft, 'spec.oauth.client_secret', reason);
  }
  return {
    name,
    ...(externalId === '' ? {} : { externalId }),
    tier,
    ...(owner === undefined ? {} : { owner }),
    spec: specToJson(leaks ? { ...spec, oauth: { ...oauth, clientSecret: '' } } : spec),
  };
}
