import {
  Tier,
  type Server,
  type ServerSpec as SpecMessage,
} from '../../generated/switchboard/v1/server.js';
import { invalidField } from '../domain/errors.js';
import { ellipsize } from '../domain/truncate.js';
import type { DeclarationPatch } from '../domain/commands/patch.js';
import { SPEC_DEFAULTS, type ServerSpec, type Transport } from '../domain/config/spec.js';
import { fromTier } from './server-codec.js';
import { fromSpecMessage } from './spec-codec.js';

/** Paths of an update mask below `spec.`, and the fields that they name. */
const SPEC_PATHS: Readonly<Record<string, Exclude<keyof ServerSpec, 'transport'>>> = {
  title: 'title',
  description: 'description',
  version: 'version',
  icons: 'icons',
  website_url: 'websiteUrl',
  enabled: 'enabled',
  startup: 'startup',
  timeouts: 'timeouts',
  instructions: 'instructions',
  requires_oauth: 'requiresOAuth',
  oauth: 'oauth',
  user_variables: 'userVariables',
  proxy_url: 'proxyUrl',
  tool_filter: 'toolFilter',
  labels: 'labels',
  annotations: 'annotations',
};

const TRANSPORT_PATHS: Readonly<Record<Transport['kind'], readonly string[]>> = {
  stdio: ['command', 'args', 'env', 'cwd', 'stderr'],
  streamable_http: ['url', 'headers'],
  sse: ['url', 'headers'],
  websocket: ['url', 'headers'],
};

/** Stands in for a transport that the mask does not name, so that the rest can be read. */
const NO_TRANSPORT: SpecMessage['transport'] = {
  $case: 'sse',
  value: { url: '', headers: new Map() },
};

type Writable<T> = { -readonly [K in keyof T]: T[K] };

interface Draft extends Writable<Omit<DeclarationPatch, 'fields' | 'specFields' | 'cleared'>> {
  readonly fields: Writable<DeclarationPatch['fields']>;
  readonly specFields: Record<string, unknown>;
  readonly cleared: ('requiresOAuth' | 'oauth')[];
}

/** What a mask takes from: a spec is read once, however many paths lead into it. */
interface Source {
  readonly server: Server;
  /** The fields of the spec, but for the transport. */
  readonly spec: () => Omit<ServerSpec, 'transport'>;
  readonly transport: () => Transport | undefined;
}

/**
 * What an update mask takes from `server`. Without a mask: every field that is set, the
 * spec as a whole; `*`: all of them. Throws INVALID_FIELD for a path that names nothing.
 */
export function fromUpdateMask(
  server: Server,
  mask: readonly string[] | undefined,
): DeclarationPatch {
  const paths =
    mask === undefined || mask.length === 0 ? populated(server) : mask.includes('*') ? ALL : mask;
  const draft: Draft = { fields: {}, specFields: {}, cleared: [] };
  const source = sourceOf(server);
  for (const path of new Set(paths)) addPath(draft, source, path);
  return draft;
}

const ALL = ['name', 'external_id', 'tier', 'owner', 'spec'];

function populated(server: Server): string[] {
  const set = {
    name: server.name !== '',
    external_id: server.externalId !== '',
    tier: server.tier !== Tier.TIER_UNSPECIFIED,
    owner: server.owner !== '',
    spec: server.spec !== undefined,
  };
  return ALL.filter((path) => set[path as keyof typeof set]);
}

function sourceOf(server: Server): Source {
  const { spec } = server;
  let rest: Omit<ServerSpec, 'transport'> | undefined;
  let whole: ServerSpec | undefined;
  return {
    server,
    spec: () =>
      (rest ??=
        spec === undefined
          ? SPEC_DEFAULTS
          : fromSpecMessage({ ...spec, transport: NO_TRANSPORT }, 'server.spec')),
    transport: () => spec?.transport && (whole ??= fromSpecMessage(spec, 'server.spec')).transport,
  };
}

function addPath(draft: Draft, source: Source, path: string): void {
  const { server } = source;
  switch (path) {
    case 'name':
      draft.fields.name = server.name;
      return;
    case 'external_id':
      draft.fields.externalId = server.externalId;
      return;
    case 'tier':
      draft.fields.tier = fromTier(server.tier, 'server.tier');
      return;
    case 'owner':
      draft.owner = server.owner;
      return;
    case 'spec':
      if (server.spec === undefined)
        throw invalidField('server.spec', 'is required by the update mask');
      draft.spec = fromSpecMessage(server.spec, 'server.spec');
      return;
    default:
      addSpecPath(draft, source, path);
  }
}

function addSpecPath(draft: Draft, source: Source, path: string): void {
  // A path is as long as its sender likes: what no field has is not split.
  const [root, field, sub, ...more] = path.split('.', 4);
  if (root !== 'spec' || field === undefined || more.length > 0) throw unknownPath(path);
  if (Object.hasOwn(TRANSPORT_PATHS, field)) {
    addTransportPath(draft, source, { path, kind: field as Transport['kind'], sub });
    return;
  }
  const name = Object.hasOwn(SPEC_PATHS, field) ? SPEC_PATHS[field] : undefined;
  if (name === undefined || sub !== undefined) throw unknownPath(path);
  const value = source.spec()[name];
  if (value === undefined) draft.cleared.push(name as 'oauth' | 'requiresOAuth');
  else draft.specFields[name] = value;
}

interface TransportPath {
  readonly path: string;
  readonly kind: Transport['kind'];
  readonly sub: string | undefined;
}

function addTransportPath(draft: Draft, source: Source, { path, kind, sub }: TransportPath): void {
  const given = source.transport();
  if (given?.kind !== kind) {
    throw invalidField(
      `server.${path}`,
      `the update mask names it, but the request has no spec.${kind}`,
    );
  }
  if (sub === undefined) {
    draft.specFields['transport'] = given;
    return;
  }
  if (!TRANSPORT_PATHS[kind].includes(sub)) throw unknownPath(path);
  const value = given[sub as keyof Transport];
  draft.transport = { kind, fields: { ...draft.transport?.fields, [sub]: value } };
}

function unknownPath(path: string): Error {
  return invalidField(
    'update_mask',
    `${JSON.stringify(ellipsize(path, 200))} names no field that can be updated`,
  );
}
