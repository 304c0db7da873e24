import fc from 'fast-check';
import type { Format } from '../../../src/formats/format.js';

/**
 * Config files in the shapes that each project documents, as far as nothing of them is lost
 * here, and each written in the one way in which we write it.
 */

type Entry = Record<string, unknown>;

const word = fc.constantFrom(
  'a',
  'Read',
  'npx',
  '/srv/x',
  'two words',
  'ü',
  '1',
  'yes',
  '# x',
  "it's",
);
const scopes = fc.uniqueArray(fc.constantFrom('read', 'write', 'files.all'), { minLength: 1 });
const count = fc.integer({ min: 1, max: 86_400_000 });

/** Texts with what `placeholders` offers, and text around it. */
function texts(...placeholders: readonly string[]): fc.Arbitrary<string> {
  return fc
    .array(fc.oneof(word, fc.constantFrom(...placeholders)), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('-'));
}

/** A map under names of headers or variables; never empty. */
function maps(value: fc.Arbitrary<string>): fc.Arbitrary<Record<string, string>> {
  return fc.dictionary(fc.constantFrom('Authorization', 'X_KEY', 'TZ'), value, {
    minKeys: 1,
    maxKeys: 3,
  });
}

/** A url of the scheme, with a placeholder in its path. */
function urls(scheme: string, ...placeholders: readonly string[]): fc.Arbitrary<string> {
  return fc.constantFrom('mcp', ...placeholders).map((part) => `${scheme}://a.test/${part}/x`);
}

/** `required`, and any of `optional`. */
function entries(
  required: Record<string, fc.Arbitrary<unknown>>,
  optional: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<Entry> {
  return fc.record({ ...required, ...optional }, { requiredKeys: Object.keys(required) });
}

function byName(key: string, entry: fc.Arbitrary<Entry>): fc.Arbitrary<Entry> {
  const names = fc.constantFrom('github', 'my server', 'com.example/x', 'ü.1', 'yes');
  return fc.dictionary(names, entry, { maxKeys: 3 }).map((servers) => ({ [key]: servers }));
}

const librechatText = texts(
  ...['${HOME}', '{{LIBRECHAT_USER_ID}}', '{{LIBRECHAT_BODY_MESSAGEID}}', '{{KEY}}'],
  '{{LIBRECHAT_OPENID_ID_TOKEN}}',
);

const librechatCommon = {
  title: fc.constantFrom('Tickets', 'A 1'),
  description: word,
  iconPath: fc.constant('https://a.test/i.svg'),
  startup: fc.constant(false),
  timeout: count,
  initTimeout: count,
  sseReadTimeout: count,
  serverInstructions: fc.oneof(fc.constant(true), word, fc.constant('two\nlines\n')),
  requiresOAuth: fc.boolean(),
  proxy: fc.constantFrom('http://${PROXY_HOST}:3128', 'socks5://127.0.0.1:1080'),
};

const librechatOAuth = entries(
  {},
  {
    authorization_url: fc.constant('https://a.test/authorize'),
    token_url: fc.constant('https://a.test/token'),
    client_id: librechatText,
    client_secret: fc.constant('${SECRET}'),
    scope: scopes.map((list) => list.join(' ')),
    redirect_uri: fc.constant('https://a.test/callback'),
    audience: word,
    token_exchange_method: fc.constantFrom('default_post', 'basic_auth_header'),
    revocation_endpoint: fc.constant('https://a.test/revoke'),
  },
);

const customUserVars = fc.record(
  {
    KEY: fc.record(
      { title: word, description: word, sensitive: fc.constant(false) },
      { requiredKeys: ['title', 'description'] },
    ),
  },
  { requiredKeys: ['KEY'] },
);

const librechatServer = fc
  .oneof(
    entries(
      { type: fc.constant('stdio'), command: word },
      {
        args: fc.array(librechatText, { minLength: 1, maxLength: 3 }),
        env: maps(librechatText),
        cwd: fc.constant('/srv'),
        stderr: fc.constantFrom('pipe', 'ignore'),
        ...librechatCommon,
      },
    ),
    entries(
      {
        type: fc.constantFrom('sse', 'streamable-http'),
        url: urls('https', '${HOME}', '{{KEY}}'),
      },
      {
        headers: maps(librechatText),
        oauth: librechatOAuth,
        ...librechatCommon,
      },
    ),
    entries(
      { type: fc.constant('websocket'), url: urls('wss', '{{LIBRECHAT_USER_NAME}}') },
      librechatCommon,
    ),
  )
  .chain((entry) => customUserVars.map((vars): Entry => ({ ...entry, customUserVars: vars })));

const claudeText = texts('${HOME}', '$HOME');

const claudeServer = fc.oneof(
  entries(
    { command: word },
    {
      args: fc.array(claudeText, { minLength: 1, maxLength: 3 }),
      env: maps(claudeText),
      cwd: fc.constant('/srv'),
      timeout: count,
    },
  ),
  entries(
    { type: fc.constantFrom('http', 'sse'), url: urls('https', '${HOME}') },
    {
      headers: maps(claudeText),
      timeout: count,
      oauth: entries({}, { clientId: word, scopes: scopes.map((list) => list.join(' ')) }),
    },
  ),
  entries({ type: fc.constant('ws'), url: urls('wss') }, { headers: maps(claudeText) }),
);

const cursorText = texts('${env:HOME}');

const cursorServer = fc.oneof(
  entries(
    { command: word },
    { args: fc.array(cursorText, { minLength: 1, maxLength: 3 }), env: maps(cursorText) },
  ),
  entries(
    { url: urls('https', '${env:HOME}') },
    {
      type: fc.constant('sse'),
      headers: maps(cursorText),
      auth: entries({}, { CLIENT_ID: cursorText, CLIENT_SECRET: fc.constant('${env:S}'), scopes }),
    },
  ),
);

const vscodeText = texts('${env:HOME}', '${input:api-key}', '${input:plain}');

const vscodeServer = fc.oneof(
  entries(
    { type: fc.constant('stdio'), command: word },
    {
      args: fc.array(vscodeText, { minLength: 1, maxLength: 3 }),
      env: maps(vscodeText),
      cwd: fc.constant('/srv'),
    },
  ),
  entries(
    { type: fc.constantFrom('http', 'sse'), url: urls('https', '${input:plain}') },
    { headers: maps(vscodeText), oauth: entries({}, { clientId: word }) },
  ),
);

/** Only inputs that are used are kept, so there is a server that uses them all, first. */
const vscodeFile = fc
  .tuple(byName('servers', vscodeServer), word, fc.boolean())
  .map(([{ servers }, description, password]) => ({
    inputs: ['api-key', 'plain'].map((id) => ({
      id,
      type: 'promptString',
      description,
      ...(password ? { password } : {}),
    })),
    servers: {
      first: { type: 'stdio', command: 'x', args: ['${input:api-key}', '${input:plain}'] },
      ...(servers as Entry),
    },
  }));

const asked = { isRequired: true, isSecret: true };

const serverJsonHead = entries(
  {
    $schema: fc.constant(
      'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json',
    ),
    name: fc.constantFrom('com.example/weather', 'io.github.a-b/c_d.e'),
    description: word,
    version: fc.constantFrom('1.0.0', '2.1.0-beta'),
  },
  {
    title: word,
    websiteUrl: fc.constant('https://a.test'),
    icons: fc.constant([{ src: 'https://a.test/i.png', mimeType: 'image/png', sizes: ['any'] }]),
  },
);

const remote = fc.constantFrom(
  { type: 'streamable-http', url: 'https://a.test/mcp' },
  {
    type: 'sse',
    url: 'https://{region}.a.test/sse',
    variables: { region: { description: 'Where', isRequired: true } },
    headers: [
      { name: 'X-Key', ...asked },
      { name: 'X-Fixed', value: 'a {b}' },
    ],
  },
  {
    type: 'streamable-http',
    url: 'https://a.test/mcp',
    headers: [{ name: 'A', value: 'Bearer {t}', variables: { t: { ...asked, description: 'T' } } }],
  },
);

const stdio = { transport: { type: 'stdio' } };

const pack = fc.constantFrom(
  { registryType: 'npm', identifier: '@a/b', version: '1.0.0', ...stdio },
  {
    registryType: 'pypi',
    identifier: 'weather',
    version: '0.5.0',
    ...stdio,
    environmentVariables: [
      { name: 'KEY', ...asked },
      { name: 'UNITS', value: 'celsius' },
    ],
  },
  {
    registryType: 'nuget',
    identifier: 'A.B',
    version: '1.0.0-beta',
    ...stdio,
    packageArguments: [
      { type: 'positional', value: 'mcp' },
      { type: 'positional', value: 'start' },
    ],
  },
  {
    registryType: 'oci',
    identifier: 'docker.io/a/b:1.2.3',
    ...stdio,
    runtimeHint: 'docker',
    runtimeArguments: [{ type: 'positional', value: '--network=host' }],
    packageArguments: [
      { type: 'positional', value: '{dir}', variables: { dir: { isRequired: true } } },
    ],
    environmentVariables: [{ name: 'KEY', ...asked }],
  },
);

const serverJsonFile = fc.oneof(
  fc.tuple(serverJsonHead, remote).map(([head, way]): Entry => ({ ...head, remotes: [way] })),
  fc.tuple(serverJsonHead, pack).map(([head, way]): Entry => ({ ...head, packages: [way] })),
);

/** Documents of each foreign format. */
export const documents: Readonly<Record<Exclude<Format, 'switchboard'>, fc.Arbitrary<Entry>>> = {
  librechat: byName('mcpServers', librechatServer),
  claude: byName('mcpServers', claudeServer),
  cursor: byName('mcpServers', cursorServer),
  vscode: vscodeFile,
  'server-json': serverJsonFile,
};
