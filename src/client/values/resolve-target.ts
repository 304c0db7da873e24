import { valueFields, type ValueField } from '../../domain/config/connection-scope.js';
import type { HttpTransport, ServerSpec, StdioTransport } from '../../domain/config/spec.js';
import { parseValue, referencesIn, type Reference } from '../../domain/config/value.js';
import type { ConnectTarget } from '../../mcp/connect-target.js';
import { safeEnvironment } from '../../mcp/process-environment.js';
import { ClientError } from '../client-error.js';
import { collectValues, type Values } from './collect-values.js';
import type { HookRequest, ValueSources } from './value-sources.js';

/** For whom, and with which values of the call, a target is put together. */
export interface TargetRequest extends HookRequest {
  /** For `${request:X}`. */
  readonly requestValues: Readonly<Record<string, string>>;
  /** Added to the headers of the spec, and stronger than they. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Puts the values of a spec's transport together. Nothing that came from a value is
 * scanned again. In a URL what comes from users and requests is percent-encoded, so that
 * it cannot lead elsewhere. Throws VALUE_MISSING, VALUE_INVALID, VALUE_NOT_ALLOWED or
 * HOOK_FAILED, with the field in the metadata.
 */
export async function resolveTarget(
  sources: ValueSources,
  request: TargetRequest,
): Promise<ConnectTarget> {
  const { spec } = request.server;
  const fields = fieldsOf(spec);
  const values = await collectValues(fields, sources, request);
  const secrets = [...referredTo(fields, values), ...Object.values(request.headers)];
  const { transport } = spec;
  if (transport.kind === 'stdio') return { ...stdioTarget(transport, values), secrets };
  const proxyUrl = joinField({ path: 'proxy_url', text: spec.proxyUrl }, values);
  const target = { ...httpTarget(transport, values, request.headers), secrets };
  return proxyUrl === '' ? target : { ...target, proxyUrl };
}

/** The fields that matter to connecting; OAuth is the application's, by its hook. */
function fieldsOf(spec: ServerSpec): readonly ValueField[] {
  return valueFields(spec).filter((field) => !field.path.startsWith('oauth.'));
}

/** The values of all references that have one. */
function referredTo(fields: readonly ValueField[], values: Values): readonly string[] {
  return fields
    .flatMap(({ text }) => referencesIn(text))
    .map((reference) => valueOf(values, reference))
    .filter((value) => value !== undefined);
}

function stdioTarget(transport: StdioTransport, values: Values): ConnectTarget {
  const env = safeEnvironment(values.env);
  for (const [name, text] of Object.entries(transport.env)) {
    const field = { path: `stdio.env[${name}]`, text };
    env[name] = withoutNul(field.path, joinField(field, values));
  }
  const args = transport.args.map((text, index) => {
    const path = `stdio.args[${String(index)}]`;
    return withoutNul(path, joinField({ path, text }, values));
  });
  const { command, cwd, stderr } = transport;
  return { kind: 'stdio', command, args, env, stderr, ...(cwd === '' ? {} : { cwd }) };
}

function httpTarget(
  transport: HttpTransport,
  values: Values,
  extra: Readonly<Record<string, string>>,
): Extract<ConnectTarget, { url: string }> {
  const { kind } = transport;
  const urlPath = `${kind}.url`;
  const url = joinField({ path: urlPath, text: transport.url }, values, encodeForeign);
  if (!URL.canParse(url)) throw invalid(urlPath, 'not a URL');
  const headers: Record<string, string> = {};
  for (const [name, text] of Object.entries(transport.headers)) {
    const path = `${kind}.headers[${name}]`;
    headers[name.toLowerCase()] = headerValue(path, joinField({ path, text }, values));
  }
  for (const [name, value] of Object.entries(extra)) {
    headers[name.toLowerCase()] = headerValue(`credentials.headers[${name}]`, value);
  }
  return { kind, url, headers };
}

function joinField(
  field: ValueField,
  values: Values,
  encode = (_reference: Reference, value: string): string => value,
): string {
  return parseValue(field.text)
    .map((part) => {
      if (part.kind === 'literal') return part.text;
      return encode(part, lookUp(field, part, values));
    })
    .join('');
}

function lookUp(field: ValueField, reference: Reference, values: Values): string {
  const value = valueOf(values, reference);
  if (value !== undefined) return value;
  const placeholder = `\${${reference.kind}:${reference.name}}`;
  throw new ClientError('VALUE_MISSING', `${field.path}: ${placeholder} has no value`, {
    metadata: { field: field.path, placeholder },
  });
}

function valueOf(values: Values, { kind, name }: Reference): string | undefined {
  const source = values[kind];
  return Object.hasOwn(source, name) ? source[name] : undefined;
}

function encodeForeign(reference: Reference, value: string): string {
  const ours = reference.kind === 'env' || reference.kind === 'secret';
  return ours ? value : encodeURIComponent(value);
}

// fetch takes only what fits in a byte, and a line break would begin another header.
function headerValue(path: string, value: string): string {
  if (/[\r\n\0]/.test(value)) throw invalid(path, 'a line break or NUL in a header');
  // eslint-disable-next-line no-control-regex -- the range is meant
  if (/[^\x00-\xff]/.test(value)) throw invalid(path, 'a character that no header can carry');
  return value;
}

function withoutNul(path: string, value: string): string {
  if (value.includes('\0')) throw invalid(path, 'a NUL');
  return value;
}

function invalid(field: string, description: string): ClientError {
  return new ClientError('VALUE_INVALID', `${field}: ${description}`, { metadata: { field } });
}
