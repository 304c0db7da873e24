import type { Duration } from '../../generated/google/protobuf/duration.js';
import * as message from '../../generated/switchboard/v1/server.js';
import { invalidField } from '../domain/errors.js';
import {
  SPEC_DEFAULTS,
  type Icon,
  type Instructions,
  type OAuth,
  type ServerSpec,
  type StdioTransport,
  type Timeouts,
  type Transport,
} from '../domain/config/spec.js';

const STDERR_TO_MESSAGE = {
  ignore: message.Stderr.STDERR_IGNORE,
  inherit: message.Stderr.STDERR_INHERIT,
  pipe: message.Stderr.STDERR_PIPE,
} as const satisfies Record<StdioTransport['stderr'], message.Stderr>;

/** A spec as a message, with every default written out. */
export function toSpecMessage(spec: ServerSpec): message.ServerSpec {
  return {
    transport: toTransportMessage(spec.transport),
    title: spec.title,
    description: spec.description,
    version: spec.version,
    icons: spec.icons.map((icon) => ({ ...icon, sizes: [...icon.sizes] })),
    websiteUrl: spec.websiteUrl,
    enabled: spec.enabled,
    startup: spec.startup,
    timeouts: {
      connect: toDuration(spec.timeouts.connectMs),
      call: toDuration(spec.timeouts.callMs),
      read: toDuration(spec.timeouts.readMs),
    },
    instructions: toInstructionsMessage(spec.instructions),
    requiresOauth: spec.requiresOAuth,
    oauth: spec.oauth && {
      ...spec.oauth,
      scopes: [...spec.oauth.scopes],
      headers: toMap(spec.oauth.headers),
      grantType: spec.oauth.grantType ?? '',
    },
    userVariables: new Map(Object.entries(spec.userVariables)),
    proxyUrl: spec.proxyUrl,
    toolFilter: { allow: [...spec.toolFilter.allow], deny: [...spec.toolFilter.deny] },
    labels: toMap(spec.labels),
    annotations: toMap(spec.annotations),
  };
}

/** The spec in a message, defaults filled in. Throws INVALID_FIELD with paths below `path`. */
export function fromSpecMessage(spec: message.ServerSpec, path: string): ServerSpec {
  const requires = spec.requiresOauth;
  return {
    transport: fromTransportMessage(spec.transport, path),
    title: spec.title,
    description: spec.description,
    version: spec.version,
    icons: spec.icons.map(fromIcon),
    websiteUrl: spec.websiteUrl,
    enabled: spec.enabled ?? SPEC_DEFAULTS.enabled,
    startup: spec.startup ?? SPEC_DEFAULTS.startup,
    timeouts: fromTimeouts(spec.timeouts, `${path}.timeouts`),
    instructions: fromInstructions(spec.instructions),
    ...(requires === undefined ? {} : { requiresOAuth: requires }),
    ...(spec.oauth === undefined ? {} : { oauth: fromOAuth(spec.oauth) }),
    userVariables: Object.fromEntries(
      [...spec.userVariables].map(([name, { title, description, sensitive }]) => [
        name,
        { title, description, sensitive },
      ]),
    ),
    proxyUrl: spec.proxyUrl,
    toolFilter: { allow: spec.toolFilter?.allow ?? [], deny: spec.toolFilter?.deny ?? [] },
    labels: fromMap(spec.labels),
    annotations: fromMap(spec.annotations),
  };
}

/** A map as an object that is safe for every key. */
export function fromMap(map: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries(map);
}

/** Milliseconds as a duration; undefined stays undefined. */
export function toDuration(ms: number | undefined): Duration | undefined {
  if (ms === undefined) return undefined;
  return { seconds: Math.trunc(ms / 1_000), nanos: Math.round((ms % 1_000) * 1_000_000) };
}

/** A duration in milliseconds; undefined stays undefined. */
export function fromDuration(duration: Duration | undefined): number | undefined {
  return duration && duration.seconds * 1_000 + duration.nanos / 1_000_000;
}

/** Whether the parts fit together: less than a second of nanoseconds, and one sign. */
function isDuration({ seconds, nanos }: Duration): boolean {
  return Math.abs(nanos) < 1e9 && seconds * nanos >= 0;
}

function toMap(record: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(Object.entries(record));
}

function toTransportMessage(transport: Transport): NonNullable<message.ServerSpec['transport']> {
  if (transport.kind === 'stdio') {
    const { command, args, env, cwd, stderr } = transport;
    const value = {
      command,
      args: [...args],
      env: toMap(env),
      cwd,
      stderr: STDERR_TO_MESSAGE[stderr],
    };
    return { $case: 'stdio', value };
  }
  const value = { url: transport.url, headers: toMap(transport.headers) };
  if (transport.kind === 'streamable_http') return { $case: 'streamableHttp', value };
  return { $case: transport.kind, value };
}

function fromTransportMessage(transport: message.ServerSpec['transport'], path: string): Transport {
  if (transport === undefined) {
    throw invalidField(
      `${path}.transport`,
      'is required: one of stdio, streamable_http, sse, websocket',
    );
  }
  if (transport.$case === 'stdio') {
    const { command, args, env, cwd, stderr } = transport.value;
    return {
      kind: 'stdio',
      command,
      args,
      env: fromMap(env),
      cwd,
      stderr: fromStderr(stderr, path),
    };
  }
  const kind = transport.$case === 'streamableHttp' ? 'streamable_http' : transport.$case;
  return { kind, url: transport.value.url, headers: fromMap(transport.value.headers) };
}

function fromStderr(stderr: message.Stderr, path: string): StdioTransport['stderr'] {
  if (stderr === message.Stderr.STDERR_UNSPECIFIED) return 'ignore';
  for (const [kind, value] of Object.entries(STDERR_TO_MESSAGE)) {
    if (value === stderr) return kind as StdioTransport['stderr'];
  }
  throw invalidField(`${path}.stdio.stderr`, 'is not a value of Stderr');
}

function fromIcon({ src, mimeType, sizes, theme }: message.Icon): Icon {
  return { src, mimeType, sizes, theme };
}

function fromTimeouts(timeouts: message.Timeouts | undefined, path: string): Timeouts {
  const [connectMs, callMs, readMs] = (['connect', 'call', 'read'] as const).map((field) => {
    const duration = timeouts?.[field];
    if (duration !== undefined && !isDuration(duration))
      throw invalidField(`${path}.${field}`, 'is not a duration');
    return fromDuration(duration);
  });
  return {
    ...(connectMs === undefined ? {} : { connectMs }),
    ...(callMs === undefined ? {} : { callMs }),
    ...(readMs === undefined ? {} : { readMs }),
  };
}

function toInstructionsMessage(instructions: Instructions): message.Instructions {
  if (instructions.kind === 'none') return { kind: undefined };
  if (instructions.kind === 'text') return { kind: { $case: 'text', value: instructions.text } };
  return { kind: { $case: 'fromServer', value: {} } };
}

function fromInstructions(instructions: message.Instructions | undefined): Instructions {
  if (instructions?.kind === undefined) return { kind: 'none' };
  if (instructions.kind.$case === 'text') return { kind: 'text', text: instructions.kind.value };
  return { kind: 'from_server' };
}

function fromOAuth({ grantType, ...oauth }: message.OAuth): OAuth {
  return {
    ...oauth,
    headers: fromMap(oauth.headers),
    // Left out, so that the hash of a configuration without it stays as it was.
    ...(grantType === '' ? {} : { grantType }),
  };
}
