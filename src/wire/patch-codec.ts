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

type Draft = { -readonly [K in keyof DeclarationPatch]: DeclarationPatch[K] };

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
  const patch: Draft = { fields: {}, specFields: {}, cleared: [] };
  for (const path of paths) addPath(patch, server, path);
  return patch;
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

function addPath(patch: Draft, server: Server, path: string): void {
  switch (path) {
    case 'name':
      patch.fields = { ...patch.fields, name: server.name };
      return;
    case 'external_id':
      patch.fields = { ...patch.fields, externalId: server.externalId };
      return;
    case 'tier':
      patch.fields = { ...patch.fields, tier: fromTier(server.tier, 'server.tier') };
      return;
    case 'owner':
      patch.owner = server.owner;
      return;
    case 'spec':
      if (server.spec === undefined)
        throw invalidField('server.spec', 'is required by the update mask');
      patch.spec = fromSpecMessage(server.spec, 'server.spec');
      return;
    default:
      addSpecPath(patch, server.spec, path);
  }
}

function addSpecPath(patch: Draft, spec: SpecMessage | undefined, path: string): void {
  const [root, field, sub, ...more] = path.split('.');
  if (root !== 'spec' || field === undefined || more.length > 0) throw unknownPath(path);
  if (Object.hasOwn(TRANSPORT_PATHS, field)) {
    addTransportPath(patch, { spec, path, kind: field as Transport['kind'], sub });
    return;
  }
  const name = Object.hasOwn(SPEC_PATHS, field) ? SPEC_PATHS[field] : undefined;
  if (name === undefined || sub !== undefined) throw unknownPath(path);
  const values =
    spec === undefined
      ? SPEC_DEFAULTS
      : fromSpecMessage({ ...spec, transport: NO_TRANSPORT }, 'server.spec');
  if (values[name] === undefined)
    patch.cleared = [...patch.cleared, name as 'oauth' | 'requiresOAuth'];
  else patch.specFields = { ...patch.specFields, [name]: values[name] };
}

function addTransportPath(
  patch: Draft,
  at: {
    spec: SpecMessage | undefined;
    path: string;
    kind: Transport['kind'];
    sub: string | undefined;
  },
): void {
  const given =
    at.spec?.transport === undefined
      ? undefined
      : fromSpecMessage(at.spec, 'server.spec').transport;
  if (given?.kind !== at.kind) {
    throw invalidField(
      `server.${at.path}`,
      `the update mask names it, but the request has no spec.${at.kind}`,
    );
  }
  if (at.sub === undefined) {
    patch.specFields = { ...patch.specFields, transport: given };
    return;
  }
  if (!TRANSPORT_PATHS[at.kind].includes(at.sub)) throw unknownPath(at.path);
  const value = given[at.sub as keyof Transport];
  patch.transport = { kind: at.kind, fields: { ...patch.transport?.fields, [at.sub]: value } };
}

function unknownPath(path: string): Error {
  return invalidField(
    'update_mask',
    `${JSON.stringify(ellipsize(path, 200))} names no field that can be updated`,
  );
}
