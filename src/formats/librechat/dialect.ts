import type { Reference } from '../../domain/config/value.js';
import { type Dialect, type Found, type Printed, readBy } from '../values.js';

/**
 * LibreChat: `${NAME}` of the environment; `{{NAME}}` of the user, the request, the
 * user's session, or of `customUserVars`. Whatever names nothing known stays text, as
 * it does there.
 */

const PLACEHOLDER = /\$\{([^}]+)\}|\{\{([^{}]+)\}\}/g;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

const USER_FIELDS = [
  'id',
  'name',
  'username',
  'email',
  'provider',
  'role',
  'googleId',
  'facebookId',
  'openidId',
  'samlId',
  'ldapId',
  'githubId',
  'discordId',
  'appleId',
  'emailVerified',
  'twoFactorEnabled',
  'termsAccepted',
  'termsAcceptedAt',
];

const OPENID_FIELDS = [
  'TOKEN',
  'ACCESS_TOKEN',
  'ID_TOKEN',
  'USER_ID',
  'USER_EMAIL',
  'USER_NAME',
  'EXPIRES_AT',
];

/** Each name of LibreChat and what it is here. */
const NAMED: ReadonlyMap<string, Reference> = new Map<string, Reference>([
  ...USER_FIELDS.map(
    (field) => [`LIBRECHAT_USER_${field.toUpperCase()}`, { kind: 'user', name: field }] as const,
  ),
  ...OPENID_FIELDS.map(
    (field) =>
      [
        `LIBRECHAT_OPENID_${field}`,
        { kind: 'user', name: `openid_${field.toLowerCase()}` },
      ] as const,
  ),
  ['LIBRECHAT_GRAPH_ACCESS_TOKEN', { kind: 'user', name: 'graph_access_token' }],
  ['LIBRECHAT_BODY_CONVERSATIONID', { kind: 'request', name: 'conversation_id' }],
  ['LIBRECHAT_BODY_PARENTMESSAGEID', { kind: 'request', name: 'parent_message_id' }],
  ['LIBRECHAT_BODY_MESSAGEID', { kind: 'request', name: 'message_id' }],
]);

/** The dialect in a server with these user variables. */
export function librechatDialect(variables: ReadonlySet<string>): Dialect {
  return {
    read: (text) =>
      readBy(PLACEHOLDER, ([whole, env, name]) => find({ whole, env, name }, variables), text),
    print: (reference) => print(reference, variables),
  };
}

/** The dialect where LibreChat only looks at the environment, as in `proxy`. */
export const environmentDialect: Dialect = {
  read: (text) =>
    readBy(PLACEHOLDER, ([whole, env]) => (env === undefined ? {} : findEnv(whole, env)), text),
  print: (reference) => (reference.kind === 'env' ? print(reference, new Set()) : undefined),
};

function find(
  match: {
    readonly whole: string;
    readonly env: string | undefined;
    readonly name: string | undefined;
  },
  variables: ReadonlySet<string>,
): Found {
  const { whole, env, name = '' } = match;
  if (env !== undefined) return findEnv(whole, env);
  if (variables.has(name)) return { part: { kind: 'var', name } };
  const part = NAMED.get(name);
  if (part !== undefined) return { part };
  return { loss: `${whole} is unknown and is kept as text, as in LibreChat` };
}

function findEnv(whole: string, name: string): Found {
  if (ENV_NAME.test(name)) return { part: { kind: 'env', name } };
  return { loss: `${whole} names no variable and is kept as text, as in LibreChat` };
}

function print({ kind, name }: Reference, variables: ReadonlySet<string>): Printed | undefined {
  if (kind === 'env') return { text: `\${${name}}` };
  if (kind === 'var') return variables.has(name) ? { text: `{{${name}}}` } : undefined;
  if (kind === 'secret') {
    return {
      text: `\${${name}}`,
      becomes: { kind: 'env', name },
      loss: `\${secret:${name}} becomes the environment variable ${name}`,
    };
  }
  const known = [...NAMED].find(([, part]) => part.kind === kind && part.name === name);
  return known && { text: `{{${known[0]}}}` };
}
