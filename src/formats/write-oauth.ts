import type { OAuth } from '../domain/config/spec.js';
import { parseValue } from '../domain/config/value.js';
import { type Draft, type JsonObject, lost, printField } from './draft.js';
import type { Dialect } from './values.js';

/** The fields of an OAuth block that are texts, with their paths in the domain. */
const TEXTS = {
  authorizationUrl: 'authorization_url',
  tokenUrl: 'token_url',
  clientId: 'client_id',
  clientSecret: 'client_secret',
  redirectUri: 'redirect_uri',
  audience: 'audience',
  tokenEndpointAuthMethod: 'token_endpoint_auth_method',
  revocationUrl: 'revocation_url',
  grantType: 'grant_type',
} as const satisfies Partial<Record<keyof OAuth, string>>;

/** What a format calls the texts that it has. */
export type OAuthWords = Readonly<Partial<Record<keyof typeof TEXTS, string>>>;

/**
 * The texts of an OAuth block in the words of a format; tells of those that it has no word
 * for. A client secret is written only if it is a reference: the secret itself never.
 */
export function writeOAuthTexts(
  draft: Draft,
  { oauth, words }: { readonly oauth: OAuth; readonly words: OAuthWords },
  dialect: Dialect,
): JsonObject {
  const out: JsonObject = {};
  for (const [name, domain] of Object.entries(TEXTS)) {
    const key = name as keyof typeof TEXTS;
    const value = oauth[key];
    const word = words[key];
    const field = `spec.oauth.${domain}`;
    if (value === undefined || value === '') continue;
    if (key === 'clientSecret' && holdsSecret(value))
      lost(draft, field, 'a secret is never written; use a reference such as ${secret:NAME}');
    else if (word === undefined) lost(draft, field, 'cannot be expressed in this format');
    else {
      const text = printField(draft, { field, value }, dialect);
      if (text !== undefined) out[word] = text;
    }
  }
  return out;
}

/** Whether a client secret is more than references. */
export function holdsSecret(clientSecret: string): boolean {
  return parseValue(clientSecret).some((part) => part.kind === 'literal' && part.text !== '');
}

/** Scopes as one text. Undefined, and the loss told, if they could not be taken apart again. */
export function writeScopes(draft: Draft, scopes: readonly string[]): string | undefined {
  if (scopes.length === 0) return undefined;
  if (scopes.every((scope) => /^\S+$/.test(scope))) return scopes.join(' ');
  lost(draft, 'spec.oauth.scopes', 'a scope with space in it cannot be expressed in this format');
  return undefined;
}
