import type { OAuth } from '../../src/domain/config/spec.js';

/** An OAuth block that says nothing. */
export const EMPTY_OAUTH: OAuth = {
  authorizationUrl: '',
  tokenUrl: '',
  clientId: '',
  clientSecret: '',
  scopes: [],
  redirectUri: '',
  audience: '',
  tokenEndpointAuthMethod: '',
  revocationUrl: '',
  headers: {},
};
