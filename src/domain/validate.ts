import { neededScope, userSignIn, valueFields } from './config/connection-scope.js';
import { invalidField } from './errors.js';
import { LIMITS } from './limits.js';
import type { Declaration } from './server.js';
import { formProblem, type TextForm } from './text-form.js';
import { ellipsize } from './truncate.js';
import type { HttpTransport, OAuth, ServerSpec, StdioTransport } from './config/spec.js';
import { parseValue, referencesIn, ValueSyntaxError } from './config/value.js';
import { collectViolations } from './violations.js';

const VARIABLE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const LABEL_KEY = /^[A-Za-z0-9]([A-Za-z0-9_./-]{0,61}[A-Za-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- as above
const ANNOTATION_KEY = /^[^\u0000-\u001f]{1,256}$/;
/** Headers that belong to the transport itself. */
const TRANSPORT_HEADERS = new Set([
  'connection',
  'content-length',
  'host',
  'mcp-protocol-version',
  'mcp-session-id',
  'transfer-encoding',
]);
const GRANT_TYPES = ['', 'authorization_code', 'client_credentials'];
const RESERVED_NAMES = new Set(['__proto__', 'constructor', 'prototype', '.', '..']);

type Report = (field: string, description: string) => void;

/**
 * Checks everything that people declare about a server, whoever brings it. Throws one
 * INVALID_FIELD that names the fields which are wrong, with paths below `path`; an empty one is
 * the request itself. What is in a list that is too long is not looked at.
 */
export function validateDeclaration(declared: Declaration, path: string): void {
  const violations = collectViolations();
  const below = path === '' ? '' : `${path}.`;
  const report: Report = (field, description) => {
    violations.report(`${below}${field}`, description);
  };
  const reportInSpec: Report = (field, description) => {
    report(`spec.${field}`, description);
  };
  checkCounts(declared.spec, reportInSpec);
  violations.throwIfAny();
  checkName(declared.name, (text) => {
    report('name', text);
  });
  if (declared.externalId !== '') checkId(declared.externalId, 'external_id', report);
  if (declared.tier === 'PRIVATE') checkId(declared.owner ?? '', 'owner', report);
  else if (declared.owner !== undefined) report('owner', 'only a PRIVATE server has an owner');
  checkSpec(declared.spec, reportInSpec);
  if (violations.count === 0) checkTierFits(declared, report);
  violations.throwIfAny();
}

/** Throws INVALID_FIELD unless a list of a request has from `least` to `most` items. */
export function demandCount(
  items: { readonly length: number },
  field: string,
  { least = 0, most }: { readonly least?: number; readonly most: number },
): void {
  if (items.length > most || items.length < least)
    throw invalidField(
      field,
      `must be ${least === 0 ? 'at most' : `${String(least)} to`} ${String(most)}`,
    );
}

/** Checks the name of a server. */
export function checkName(name: string, report: (description: string) => void): void {
  if (name === '') report('must not be empty');
  else if (name.length > LIMITS.name) report(`must be at most ${String(LIMITS.name)} characters`);
  else if (name.includes('/') || name.includes('\\')) report('must not contain slashes');
  else if (RESERVED_NAMES.has(name)) report('is a reserved word');
  else reportForm(name, 'name', report);
}

/** Checks an id that comes from outside: of a user, a group, a tenant, a node. */
export function checkId(id: string, field: string, report: Report): void {
  if (id.trim() === '') report(field, 'must not be blank');
  else if (id.length > LIMITS.id) report(field, `must be at most ${String(LIMITS.id)} characters`);
  else if (CONTROL.test(id)) report(field, 'must not contain control characters');
  else if (!id.isWellFormed()) report(field, 'must be well-formed Unicode');
}

/** Checks an id by which access is decided: of a user or a group. */
export function checkIdentity(id: string, field: string, report: Report): void {
  const problem = id.length > LIMITS.id ? undefined : formProblem(id, 'id');
  if (problem === undefined) checkId(id, field, report);
  else report(field, problem);
}

/** Checks the name of a declared set. */
export function checkSetName(set: string, report: (description: string) => void): void {
  if (set === '') report('must not be empty');
  else if (set.length > LIMITS.set) report(`must be at most ${String(LIMITS.set)} characters`);
  else reportForm(set, 'name', report);
}

function reportForm(text: string, form: TextForm, report: (description: string) => void): void {
  const problem = formProblem(text, form);
  if (problem !== undefined) report(problem);
}

function checkCounts({ transport, oauth, ...spec }: ServerSpec, report: Report): void {
  const most = (field: string, items: object, limit: number): void => {
    if (Object.keys(items).length > limit) report(field, `at most ${String(limit)}`);
  };
  if (transport.kind === 'stdio') {
    most('stdio.args', transport.args, LIMITS.args);
    most('stdio.env', transport.env, LIMITS.env);
  } else most(`${transport.kind}.headers`, transport.headers, LIMITS.headers);
  most('icons', spec.icons, LIMITS.icons);
  most('user_variables', spec.userVariables, LIMITS.entries);
  most('tool_filter.allow', spec.toolFilter.allow, LIMITS.tools);
  most('tool_filter.deny', spec.toolFilter.deny, LIMITS.tools);
  most('labels', spec.labels, LIMITS.entries);
  most('annotations', spec.annotations, LIMITS.entries);
  if (oauth === undefined) return;
  most('oauth.scopes', oauth.scopes, LIMITS.entries);
  most('oauth.headers', oauth.headers, LIMITS.headers);
}

function checkSpec(spec: ServerSpec, report: Report): void {
  if (spec.transport.kind === 'stdio') checkStdio(spec.transport, report);
  else checkHttp(spec.transport, report);
  checkTexts(spec, report);
  checkMaps(spec, report);
  checkTimeouts(spec, report);
  // Credentials for a proxy have no other place.
  checkUrl(spec.proxyUrl, ['http:', 'https:', 'socks4:', 'socks5:'], (text) => {
    report('proxy_url', text);
  });
  if (spec.oauth !== undefined) checkOAuth(spec.oauth, report);
  for (const { path, text } of valueFields(spec)) checkValue(path, text, report);
}

function checkStdio(transport: StdioTransport, report: Report): void {
  const { command, args, env, cwd } = transport;
  if (command.trim() === '') report('stdio.command', 'must not be empty');
  checkPlain(command, 'stdio.command', report);
  checkPlain(cwd, 'stdio.cwd', report);
  args.forEach((arg, index) => {
    if (arg.includes('\0')) report(`stdio.args[${String(index)}]`, 'must not contain NUL');
  });
  checkKeys(env, { field: 'stdio.env', pattern: VARIABLE_NAME }, report);
  for (const [name, value] of Object.entries(env)) {
    if (value.includes('\0')) report(`stdio.env[${name}]`, 'must not contain NUL');
  }
}

function checkHttp(transport: HttpTransport, report: Report): void {
  const schemes = transport.kind === 'websocket' ? ['ws:', 'wss:'] : ['http:', 'https:'];
  if (transport.url === '') report(`${transport.kind}.url`, 'must not be empty');
  checkUrl(transport.url, schemes, (text) => {
    report(`${transport.kind}.url`, text);
  });
  checkNoUserinfo(transport.url, CREDENTIALS_IN_HEADERS, (text) => {
    report(`${transport.kind}.url`, text);
  });
  checkHeaders(transport.headers, `${transport.kind}.headers`, report);
}

function checkHeaders(
  headers: Readonly<Record<string, string>>,
  field: string,
  report: Report,
): void {
  checkKeys(headers, { field, pattern: HEADER_NAME }, report);
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (seen.has(lower)) report(`${field}[${name}]`, 'is given twice');
    seen.add(lower);
    if (TRANSPORT_HEADERS.has(lower)) report(`${field}[${name}]`, 'is set by the transport itself');
    // eslint-disable-next-line no-control-regex -- they would end the header
    if (/[\u0000\r\n]/.test(value))
      report(`${field}[${name}]`, 'must not contain line breaks or NUL');
  }
}

function checkTexts(spec: ServerSpec, report: Report): void {
  const most = (field: string, text: string, limit: number): void => {
    if (text.length > limit) report(field, `must be at most ${String(limit)} characters`);
    else if (!text.isWellFormed()) report(field, 'must be well-formed Unicode');
  };
  most('title', spec.title, LIMITS.title);
  most('description', spec.description, LIMITS.description);
  most('version', spec.version, LIMITS.title);
  if (spec.instructions.kind === 'text') {
    most('instructions.text', spec.instructions.text, LIMITS.instructions);
  }
  checkUrl(spec.websiteUrl, ['http:', 'https:'], (text) => {
    report('website_url', text);
  });
  checkNoUserinfo(spec.websiteUrl, 'everyone who sees the server can read it', (text) => {
    report('website_url', text);
  });
  spec.icons.forEach((icon, index) => {
    const field = `icons[${String(index)}]`;
    most(`${field}.mime_type`, icon.mimeType, LIMITS.mimeType);
    if (icon.sizes.length > LIMITS.iconSizes)
      report(`${field}.sizes`, `at most ${String(LIMITS.iconSizes)}`);
    checkUrl(icon.src, ['https:', 'data:'], (text) => {
      report(`icons[${String(index)}].src`, text);
    });
    if (icon.src === '') report(`icons[${String(index)}].src`, 'must not be empty');
  });
  for (const side of ['allow', 'deny'] as const) {
    const names = spec.toolFilter[side];
    names.forEach((name, index) => {
      if (name === '') report(`tool_filter.${side}[${String(index)}]`, 'must not be empty');
      most(`tool_filter.${side}[${String(index)}]`, name, LIMITS.id);
    });
  }
}

function checkMaps(spec: ServerSpec, report: Report): void {
  checkKeys(spec.userVariables, { field: 'user_variables', pattern: VARIABLE_NAME }, report);
  for (const [name, variable] of Object.entries(spec.userVariables)) {
    const field = `user_variables[${name}]`;
    if (variable.title.length > LIMITS.title)
      report(`${field}.title`, `must be at most ${String(LIMITS.title)} characters`);
    if (variable.description.length > LIMITS.text)
      report(`${field}.description`, `must be at most ${String(LIMITS.text)} characters`);
  }
  checkKeys(spec.labels, { field: 'labels', pattern: LABEL_KEY }, report);
  for (const [key, value] of Object.entries(spec.labels)) {
    if (!LABEL_VALUE.test(value)) report(`labels[${key}]`, 'is not a label value');
  }
  checkKeys(spec.annotations, { field: 'annotations', pattern: ANNOTATION_KEY }, report);
  for (const [key, value] of Object.entries(spec.annotations)) {
    if (value.length > LIMITS.value)
      report(`annotations[${key}]`, `must be at most ${String(LIMITS.value)} characters`);
  }
}

function checkTimeouts(spec: ServerSpec, report: Report): void {
  for (const [field, value] of [
    ['connect', spec.timeouts.connectMs],
    ['call', spec.timeouts.callMs],
    ['read', spec.timeouts.readMs],
  ] as const) {
    if (value === undefined) continue;
    const fits = Number.isFinite(value) && value > 0 && value <= LIMITS.timeoutMs;
    if (!fits) report(`timeouts.${field}`, 'must be more than 0 and at most 24 h');
  }
}

function checkOAuth(oauth: OAuth, report: Report): void {
  const urls = {
    authorization_url: oauth.authorizationUrl,
    token_url: oauth.tokenUrl,
    redirect_uri: oauth.redirectUri,
    revocation_url: oauth.revocationUrl,
  };
  for (const [field, url] of Object.entries(urls)) {
    checkUrl(url, ['http:', 'https:'], (text) => {
      report(`oauth.${field}`, text);
    });
    checkNoUserinfo(url, 'use client_id and client_secret', (text) => {
      report(`oauth.${field}`, text);
    });
  }
  const methods = ['', 'client_secret_post', 'client_secret_basic', 'none'];
  if (!methods.includes(oauth.tokenEndpointAuthMethod)) {
    report(
      'oauth.token_endpoint_auth_method',
      'must be client_secret_post, client_secret_basic or none',
    );
  }
  if (!GRANT_TYPES.includes(oauth.grantType ?? ''))
    report('oauth.grant_type', 'must be authorization_code or client_credentials');
  checkHeaders(oauth.headers, 'oauth.headers', report);
}

/** An empty url is fine here; where one is required, that is checked beside it. */
function checkUrl(
  url: string,
  schemes: readonly string[],
  report: (description: string) => void,
): void {
  if (url === '') return;
  if (url.length > LIMITS.value) {
    report(`must be at most ${String(LIMITS.value)} characters`);
    return;
  }
  const plain = withoutReferences(url);
  if (plain === undefined) return; // reported as a value
  const parsed = URL.canParse(plain) ? new URL(plain) : undefined;
  if (parseValue(url)[0]?.kind !== 'literal') report(NO_PLACE);
  else if (parsed === undefined) report('is not an absolute URL');
  else if (!schemes.includes(parsed.protocol)) {
    report(
      `must start with ${schemes.map((scheme) => scheme.slice(0, -1)).join(' or ')}, not ${parsed.protocol.slice(0, -1)}`,
    );
  } else if (CONTROL.test(url)) report('must not contain control characters');
}

/** Why a URL is refused that starts with a reference. */
const NO_PLACE =
  'must not start with a placeholder: whoever sets it would decide where requests go, with the credentials in their headers; write scheme and host out';

/** Where credentials for a server belong that stand in its URL. */
const CREDENTIALS_IN_HEADERS =
  'put them into headers, such as Authorization with ${secret:NAME}, since they are not sent from there';

/** Says nothing of a text that is not a URL: `checkUrl` does. */
function checkNoUserinfo(
  url: string,
  instead: string,
  report: (description: string) => void,
): void {
  const plain = withoutReferences(url) ?? '';
  if (!URL.canParse(plain)) return;
  const { username, password } = new URL(plain);
  if (username !== '' || password !== '') report(`must not contain credentials: ${instead}`);
}

function withoutReferences(text: string): string | undefined {
  try {
    return parseValue(text)
      .map((part) => (part.kind === 'literal' ? part.text : 'x'))
      .join('');
  } catch {
    return undefined;
  }
}

function checkKeys(
  map: Readonly<Record<string, unknown>>,
  what: { readonly field: string; readonly pattern: RegExp },
  report: Report,
): void {
  for (const key of Object.keys(map)) {
    if (key === '__proto__' || !what.pattern.test(key)) {
      report(`${what.field}[${ellipsize(key, 80)}]`, 'is not an allowed name');
    }
  }
}

function checkPlain(text: string, field: string, report: Report): void {
  if (text.includes('${')) report(field, 'must be plain text, without ${…}');
  else if (text.length > LIMITS.text)
    report(field, `must be at most ${String(LIMITS.text)} characters`);
  else if (CONTROL.test(text)) report(field, 'must not contain control characters');
}

function checkValue(path: string, text: string, report: Report): void {
  if (text.length > LIMITS.value) {
    report(path, `must be at most ${String(LIMITS.value)} characters`);
    return;
  }
  try {
    parseValue(text);
  } catch (error) {
    if (!(error instanceof ValueSyntaxError)) throw error;
    report(path, `${error.message}, at ${String(error.position)}`);
  }
}

/** What depends on the tier: called only when the rest is well-formed. */
function checkTierFits({ tier, spec }: Declaration, report: Report): void {
  if (tier === 'APP') {
    const { scope, reasons } = neededScope(spec);
    const isSignIn = userSignIn(spec) !== undefined;
    const hint = isSignIn ? ', or set oauth.grant_type to client_credentials' : '';
    for (const reason of scope === 'shared' ? [] : reasons) {
      report(
        'tier',
        `an APP server has one connection for everyone: ${reason}; make it USER${hint}`,
      );
    }
  }
  for (const { path, text } of valueFields(spec)) {
    for (const { kind, name } of referencesIn(text)) {
      if (kind === 'var' && !Object.hasOwn(spec.userVariables, name)) {
        report(`spec.${path}`, `\${var:${name}} is not declared in user_variables`);
      }
      if (tier === 'PRIVATE' && (kind === 'env' || kind === 'secret')) {
        report(`spec.${path}`, `a PRIVATE server may not read \${${kind}:${name}} of the node`);
      }
    }
  }
}
