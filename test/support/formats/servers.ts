import fc from 'fast-check';
import { impliedTier } from '../../../src/domain/commands/apply.js';
import { isSwitchboardError } from '../../../src/domain/errors.js';
import type { OAuth, ServerSpec, Transport } from '../../../src/domain/config/spec.js';
import { SPEC_DEFAULTS } from '../../../src/domain/config/spec.js';
import { validateDeclaration } from '../../../src/domain/validate.js';
import type { ValuePart } from '../../../src/domain/config/value.js';
import type { ReadServer } from '../../../src/formats/format.js';
import { toNotation } from '../../../src/formats/values.js';
import type { WritableServer } from '../../../src/formats/write-servers.js';

/** Servers of every kind that the domain allows, with a taste for what looks like a placeholder. */

const VARIABLES = ['TOKEN', 'api_key', 'b'] as const;

/** Text of all dialects, in pieces, and what makes trouble in YAML and JSON. */
const fragment = fc.constantFrom(
  ...['$', '{', '}', '${', '$${', '{{', '}}', '${env:HOME}', '${HOME}', '${HOME:-x}', '{TOKEN}'],
  ...['{{LIBRECHAT_USER_ID}}', '{{TOKEN}}', '{{MCP_API_KEY}}', '${input:TOKEN}', '{HOME}'],
  ...['${workspaceFolder}', '${user:id}', 'env', 'TOKEN', ':', ': ', ' #', '- ', '"', "'", '\\'],
  ...['x', 'yes', '012', 'é', '😀', '~', '*a', '&a', '!b', '%', '@', '`', '|', '>', ','],
);

const literal: fc.Arbitrary<ValuePart> = fc
  .array(fragment, { minLength: 1, maxLength: 4 })
  .map((parts) => ({ kind: 'literal', text: parts.join('') }));

const reference: fc.Arbitrary<ValuePart> = fc.oneof(
  fc.constantFrom('HOME', 'TOKEN', 'OTHER').map((name) => ({ kind: 'env', name }) as const),
  fc.constantFrom(...VARIABLES).map((name) => ({ kind: 'var', name }) as const),
  fc.constantFrom('id', 'email', 'custom.field').map((name) => ({ kind: 'user', name }) as const),
  fc
    .constantFrom('conversation_id', 'message_id', 'other')
    .map((name) => ({ kind: 'request', name }) as const),
  fc.constantFrom('HOME', 'SECRET', 'a-b').map((name) => ({ kind: 'secret', name }) as const),
);

/** A value in our notation. */
const value: fc.Arbitrary<string> = fc
  .array(fc.oneof(literal, reference), { maxLength: 3 })
  .map((parts) => toNotation(parts) ?? '');

/** Plain text as people write it, and the odd one. */
const text = fc.oneof(
  fc.constantFrom('', 'Tickets', 'A b c', 'yes', '12', 'two\nlines\n', ' space ', '# no comment'),
  fc.array(fragment, { maxLength: 3 }).map((parts) => parts.join('')),
);

const values = fc.dictionary(fc.constantFrom('X-Key', 'Authorization', 'accept'), value, {
  maxKeys: 3,
});

const env = fc.dictionary(fc.constantFrom('HOME', 'TOKEN', 'DEBUG', 'b'), value, { maxKeys: 3 });

const httpUrl = value.map((path) => `https://a.test/${path.replaceAll(/[\s"\\]/g, '')}`);

const word = fc.constantFrom('-y', '--yes', '-i', '--rm', 'run', '-e', 'TOKEN', '--', 'pkg@1.2.3');

const transport: fc.Arbitrary<Transport> = fc.oneof(
  fc.record({
    kind: fc.constant('stdio' as const),
    command: fc.constantFrom('npx', 'uvx', 'docker', 'dnx', 'node', './a b'),
    args: fc.array(fc.oneof(word, value), { maxLength: 5 }),
    env,
    cwd: fc.constantFrom('', '/srv/a', '.'),
    stderr: fc.constantFrom('ignore' as const, 'inherit' as const, 'pipe' as const),
  }),
  fc.record({
    kind: fc.constantFrom('streamable_http' as const, 'sse' as const),
    url: httpUrl,
    headers: values,
  }),
  fc.record({
    kind: fc.constant('websocket' as const),
    url: httpUrl.map((url) => url.replace('https', 'wss')),
    headers: values,
  }),
);

const oauth: fc.Arbitrary<OAuth> = fc.record({
  authorizationUrl: fc.constantFrom('', 'https://a.test/authorize'),
  tokenUrl: fc.constantFrom('', 'https://a.test/token'),
  clientId: value,
  clientSecret: fc.oneof(value, fc.constant('${secret:SECRET}'), fc.constant('s3cret')),
  scopes: fc.array(fc.constantFrom('read', 'write', 'a b'), { maxLength: 2 }),
  redirectUri: fc.constantFrom('', 'https://a.test/callback'),
  audience: value,
  tokenEndpointAuthMethod: fc.constantFrom('', 'none', 'client_secret_post', 'client_secret_basic'),
  revocationUrl: fc.constantFrom('', 'https://a.test/revoke'),
  headers: values,
});

const milliseconds = fc.constantFrom(undefined, 1, 1.5, 30_000);

const annotations = fc.dictionary(
  fc.constantFrom(
    ...['librechat/chatMenu', 'librechat/oauth.x', 'librechat/url', 'librechat/iconPath'],
    ...['claude/alwaysLoad', 'cursor/auth.y', 'vscode/dev', 'vscode/command', 'owner'],
    ...['server-json/repository', 'server-json/package.fileSha256', 'librechat/__proto__'],
  ),
  fc.constantFrom('true', '{"a":[1]}', '{ "a": 1 }', 'text', '"${HOME}"'),
  { maxKeys: 3 },
);

const spec: fc.Arbitrary<ServerSpec> = fc
  .record({
    transport,
    title: text,
    description: fc.oneof(text, fc.constant('d'.repeat(120))),
    version: fc.constantFrom('', '1.2.3'),
    icons: fc.array(
      fc.record({
        src: fc.constantFrom('https://a.test/i.png', 'data:image/png;base64,AA=='),
        mimeType: fc.constantFrom('', 'image/png'),
        sizes: fc.constantFrom([], ['48x48']),
        theme: fc.constantFrom('', 'dark'),
      }),
      { maxLength: 2 },
    ),
    websiteUrl: fc.constantFrom('', 'https://a.test/about'),
    enabled: fc.constantFrom(true, true, true, false),
    startup: fc.boolean(),
    connectMs: milliseconds,
    callMs: milliseconds,
    readMs: milliseconds,
    instructions: fc.oneof(
      fc.constant({ kind: 'none' as const }),
      fc.constant({ kind: 'from_server' as const }),
      text.map((told) => ({ kind: 'text' as const, text: told })),
    ),
    requiresOAuth: fc.constantFrom(undefined, true, false),
    oauth: fc.option(oauth, { nil: undefined }),
    userVariables: fc.tuple(text, text, fc.boolean()).map(([title, description, sensitive]) =>
      Object.fromEntries(
        VARIABLES.map((name) => [
          name,
          {
            title: name === 'api_key' ? 'api-key' : title,
            description: name === 'b' ? '' : description,
            sensitive,
          },
        ]),
      ),
    ),
    proxyUrl: fc.constantFrom('', 'http://${env:PROXY}:3128', 'socks5://p:1', 'http://${user:id}'),
    toolFilter: fc.constantFrom({ allow: [], deny: [] }, { allow: ['a'], deny: ['b'] }),
    labels: fc.constantFrom({}, { team: 'a' }),
    annotations,
  })
  .map(({ connectMs, callMs, readMs, requiresOAuth, oauth: block, ...rest }) => ({
    ...SPEC_DEFAULTS,
    ...rest,
    timeouts: {
      ...(connectMs === undefined ? {} : { connectMs }),
      ...(callMs === undefined ? {} : { callMs }),
      ...(readMs === undefined ? {} : { readMs }),
    },
    ...(requiresOAuth === undefined ? {} : { requiresOAuth }),
    ...(block === undefined ? {} : { oauth: block }),
  }));

/** Any server that the domain allows. */
export const anyServer: fc.Arbitrary<WritableServer> = fc
  .record({
    name: fc.constantFrom('tickets', 'a b', 'x.y', 'ü', '01', 'yes', '<<', '~'),
    externalId: fc.constantFrom('', '', 'row-1', 'com.example/tickets', 'com.example/other'),
    tier: fc.constantFrom('APP' as const, 'USER' as const, 'USER' as const, 'PRIVATE' as const),
    spec,
  })
  .map(({ tier, ...rest }) => {
    const wanted = { ...rest, tier, ...(tier === 'PRIVATE' ? { owner: 'ana' } : {}) };
    return isValid(wanted) ? wanted : { ...rest, tier: 'USER' as const };
  })
  .filter(isValid);

function isValid(server: WritableServer): boolean {
  try {
    validateDeclaration({ ...server, set: '' }, 'server');
    return true;
  } catch (error) {
    if (isSwitchboardError(error, 'INVALID_FIELD')) return false;
    throw error;
  }
}

/** What a server that was read would be declared as, once the control plane gave it a tier. */
export function declaredBy({
  name,
  externalId = '',
  tier,
  owner,
  spec: read,
}: ReadServer): WritableServer {
  const server = { name, externalId, spec: read, ...(owner === undefined ? {} : { owner }) };
  return { ...server, tier: tier ?? impliedTier(server) };
}
