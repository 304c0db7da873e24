import type { ServerSpec } from './spec.js';
import type { Tier } from '../tier.js';
import { referencesIn, type Reference } from './value.js';

/** Who may share one connection, from widest to narrowest. */
export const CONNECTION_SCOPES = ['shared', 'user', 'conversation', 'request'] as const;
export type ConnectionScope = (typeof CONNECTION_SCOPES)[number];

/** A string of a spec that may hold a value with parts, and the path of its field. */
export interface ValueField {
  readonly path: string;
  readonly text: string;
}

/** So many reasons are given at most: a value can hold thousands of references. */
const MAX_REASONS = 100;

/** A scope and one sentence for each reference that narrows it, each once and at most 100. */
export interface ScopeDecision {
  readonly scope: ConnectionScope;
  readonly reasons: readonly string[];
}

/** The request value that only needs a connection per conversation. */
const CONVERSATION = 'conversation_id';

/** The narrower of what the tier allows and what the spec needs, with the reasons. */
export function connectionScope(tier: Tier, spec: ServerSpec): ScopeDecision {
  const needs = neededScope(spec);
  const reasons = [...needs.reasons];
  if (tier !== 'APP') reasons.unshift(`tier ${tier} uses one connection per user`);
  return { scope: narrower(tier === 'APP' ? 'shared' : 'user', needs.scope), reasons };
}

/** What the spec alone needs. */
export function neededScope(spec: ServerSpec): ScopeDecision {
  const signIn = userSignIn(spec);
  let scope: ConnectionScope = signIn === undefined ? 'shared' : 'user';
  const reasons = new Set(signIn === undefined ? [] : [signIn]);
  for (const field of valueFields(spec)) {
    for (const reference of referencesIn(field.text)) {
      const needs = scopeOfReference(reference);
      if (needs === 'shared') continue;
      scope = narrower(scope, needs);
      if (reasons.size < MAX_REASONS)
        reasons.add(`${field.path} uses \${${reference.kind}:${reference.name}}`);
    }
  }
  return { scope, reasons: [...reasons] };
}

/**
 * What asks each user to sign in; undefined for nothing. Over one shared connection, all users
 * would act with the credentials of one of them.
 */
export function userSignIn({ requiresOAuth, oauth }: ServerSpec): string | undefined {
  if (oauth?.grantType === 'client_credentials') return undefined;
  if (oauth !== undefined) return 'oauth asks each user to sign in';
  return requiresOAuth === true ? 'requires_oauth asks each user to sign in' : undefined;
}

/** Every string of the spec in which a value with parts is allowed. */
export function valueFields(spec: ServerSpec): readonly ValueField[] {
  const { transport, oauth } = spec;
  const fields: ValueField[] = [];
  const add = (path: string, text: string): void => void fields.push({ path, text });
  const addMap = (path: string, map: Readonly<Record<string, string>>): void => {
    for (const [name, text] of Object.entries(map)) add(`${path}[${name}]`, text);
  };
  if (transport.kind === 'stdio') {
    transport.args.forEach((text, index) => {
      add(`stdio.args[${String(index)}]`, text);
    });
    addMap('stdio.env', transport.env);
  } else {
    add(`${transport.kind}.url`, transport.url);
    addMap(`${transport.kind}.headers`, transport.headers);
  }
  add('proxy_url', spec.proxyUrl);
  if (oauth !== undefined) {
    add('oauth.authorization_url', oauth.authorizationUrl);
    add('oauth.token_url', oauth.tokenUrl);
    add('oauth.client_id', oauth.clientId);
    add('oauth.client_secret', oauth.clientSecret);
    add('oauth.redirect_uri', oauth.redirectUri);
    add('oauth.audience', oauth.audience);
    add('oauth.revocation_url', oauth.revocationUrl);
    addMap('oauth.headers', oauth.headers);
  }
  return fields;
}

function scopeOfReference(reference: Reference): ConnectionScope {
  if (reference.kind === 'request') {
    return reference.name === CONVERSATION ? 'conversation' : 'request';
  }
  return reference.kind === 'user' || reference.kind === 'var' ? 'user' : 'shared';
}

function narrower(a: ConnectionScope, b: ConnectionScope): ConnectionScope {
  return CONNECTION_SCOPES.indexOf(a) >= CONNECTION_SCOPES.indexOf(b) ? a : b;
}
