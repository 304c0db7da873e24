import { canonicalJson } from '../../domain/digest.js';
import type { HttpTransport, StdioTransport, Transport } from '../../domain/config/spec.js';
import { referencesIn } from '../../domain/config/value.js';
import {
  type Draft,
  type JsonObject,
  leaveOut,
  lost,
  tellUnsaid,
  withAnnotations,
} from '../draft.js';
import { toFileName } from '../names.js';
import { readServers } from '../read-servers.js';
import { jsonText } from '../write-text.js';
import { PACKAGE_FIELDS, REMOTE_FIELDS, SCHEMA_URL, SERVER_FIELDS, SERVER_NAME } from './schema.js';
import {
  type InputWriter,
  keyValueInput,
  openInputWriter,
  type Template,
  templateInput,
  writeTemplate,
} from './write-inputs.js';
import { packagesOf } from './write-package.js';

/** The longest title and description of the schema. */
const MAX_TEXT_LENGTH = 100;

/** A way to reach the server as the file says it, and as a reader understands that. */
interface Way {
  readonly field: 'remote' | 'package';
  readonly candidates: readonly JsonObject[];
  readonly means: Transport;
}

/** A server as a server.json. Undefined, and the reason told, if it cannot be one. */
export function writeServerJson(draft: Draft, namespace: string): JsonObject | undefined {
  const name = nameOf(draft, namespace);
  if (name === undefined) return undefined;
  const writer = openInputWriter(draft);
  const { transport } = draft.server.spec;
  const way =
    transport.kind === 'stdio' ? packageWay(writer, transport) : remoteWay(writer, transport);
  if (way === undefined) return undefined;
  tellUnsaid(draft, ['title', 'description', 'version', 'icons', 'websiteUrl', 'userVariables']);
  tellUnused(draft, way.means);
  const head = { $schema: SCHEMA_URL, name, ...writeTexts(draft) };
  for (const candidate of way.candidates) {
    const attempt: Draft = { ...draft, losses: [] };
    const file = assemble(attempt, { ...head, [way.field]: candidate });
    if (!readsAs(file, way.means)) continue;
    draft.losses.push(...attempt.losses);
    return file;
  }
  leaveOut(draft, `spec.${transport.kind}`, 'its command does not run a package');
  return undefined;
}

function nameOf(draft: Draft, namespace: string): string | undefined {
  const name = toFileName(draft.server);
  if (SERVER_NAME.test(name)) return name;
  const made = `${namespace}/${draft.server.name}`;
  if (!SERVER_NAME.test(made)) {
    leaveOut(draft, 'name', 'cannot be a name of this format');
    return undefined;
  }
  lost(draft, 'external_id', `becomes ${made}, because this format requires a namespace`);
  return made;
}

function writeTexts(draft: Draft): JsonObject {
  const { title, description, version, websiteUrl, icons } = draft.server.spec;
  if (title.length > MAX_TEXT_LENGTH)
    lost(draft, 'spec.title', 'is longer than this format allows');
  if (description.length > MAX_TEXT_LENGTH)
    lost(draft, 'spec.description', 'is truncated to 100 characters');
  if (description === '') lost(draft, 'spec.description', 'is required here: the name is written');
  if (version === '') lost(draft, 'spec.version', 'is required here: 0.0.0 is written');
  const kept = icons.filter(({ src }) => src.startsWith('https:') && src.length <= 255);
  if (kept.length < icons.length)
    lost(draft, 'spec.icons', 'only https addresses of at most 255 characters are allowed');
  return {
    ...(title === '' || title.length > MAX_TEXT_LENGTH ? {} : { title }),
    description: description === '' ? draft.server.name : description.slice(0, MAX_TEXT_LENGTH),
    version: version === '' ? '0.0.0' : version,
    ...(websiteUrl === '' ? {} : { websiteUrl }),
    ...(kept.length === 0 ? {} : { icons: kept.map(withoutEmpty) }),
  };
}

function withoutEmpty(map: object): JsonObject {
  return Object.fromEntries(
    Object.entries(map).filter(([, value]: [string, unknown]) =>
      Array.isArray(value) ? value.length > 0 : value !== '',
    ),
  );
}

function remoteWay(writer: InputWriter, transport: HttpTransport): Way | undefined {
  const { kind } = transport;
  if (kind === 'websocket') {
    leaveOut(writer.draft, 'spec.websocket', 'this format has no such transport');
    return undefined;
  }
  const url = writeTemplate(writer, { field: `spec.${kind}.url`, value: transport.url });
  if (url === undefined) {
    leaveOut(writer.draft, `spec.${kind}.url`, 'its url cannot be expressed in this format');
    return undefined;
  }
  const headers = writeKeyValues(writer, `spec.${kind}.headers`, transport.headers);
  const { value, variables } = templateInput(url);
  const remote = {
    type: kind === 'sse' ? 'sse' : 'streamable-http',
    url: value,
    ...(variables === undefined ? {} : { variables }),
    ...(headers.inputs.length === 0 ? {} : { headers: headers.inputs }),
  };
  const means = { kind, url: url.means, headers: headers.means };
  return { field: 'remote', candidates: [remote], means };
}

function packageWay(writer: InputWriter, transport: StdioTransport): Way | undefined {
  const { draft } = writer;
  const args = transport.args.map((value, index) =>
    writeTemplate(writer, { field: `spec.stdio.args[${String(index)}]`, value }),
  );
  const said = args.filter((arg): arg is Template => arg !== undefined);
  if (said.length < args.length) {
    leaveOut(draft, 'spec.stdio.args', 'an argument cannot be expressed in this format');
    return undefined;
  }
  const env = writeKeyValues(writer, 'spec.stdio.env', transport.env);
  for (const [field, isTold] of [
    ['cwd', transport.cwd !== ''],
    ['stderr', transport.stderr !== 'ignore'],
  ] as const) {
    if (isTold) lost(draft, `spec.stdio.${field}`, 'cannot be expressed in this format');
  }
  const variables = env.inputs.length === 0 ? {} : { environmentVariables: env.inputs };
  return {
    field: 'package',
    candidates: packagesOf({ ...transport, env: env.means }, said).map((pack) => ({
      ...pack,
      ...variables,
    })),
    means: {
      ...transport,
      args: said.map((arg) => arg.means),
      env: env.means,
      cwd: '',
      stderr: 'ignore',
    },
  };
}

function writeKeyValues(
  writer: InputWriter,
  field: string,
  map: Readonly<Record<string, string>>,
): { readonly inputs: readonly JsonObject[]; readonly means: Readonly<Record<string, string>> } {
  const said = Object.entries(map).flatMap(([name, value]) => {
    const template = writeTemplate(writer, { field: `${field}[${name}]`, value });
    return template === undefined ? [] : [{ name, template }];
  });
  return {
    inputs: said.map(({ name, template }) => keyValueInput(name, template)),
    means: Object.fromEntries(said.map(({ name, template }) => [name, template.means])),
  };
}

function tellUnused(draft: Draft, transport: Transport): void {
  const used = new Set(
    textsOf(transport).flatMap((text) => referencesIn(text).map(({ name }) => name)),
  );
  for (const name of Object.keys(draft.server.spec.userVariables)) {
    if (!used.has(name))
      lost(
        draft,
        `spec.user_variables[${name}]`,
        'is not used by anything that this format can express',
      );
  }
}

function textsOf(transport: Transport): readonly string[] {
  return transport.kind === 'stdio'
    ? [...transport.args, ...Object.values(transport.env)]
    : [transport.url, ...Object.values(transport.headers)];
}

/** The file, with what a reader of it kept aside put back. */
function assemble(draft: Draft, entry: JsonObject): JsonObject {
  const restored = withAnnotations(draft, entry, {
    known: new Set([...SERVER_FIELDS, 'package', 'remote']),
    unlessMade: { packages: Array.isArray, remotes: Array.isArray },
    blocks: { package: PACKAGE_FIELDS, remote: REMOTE_FIELDS },
  });
  const { package: pack, remote, packages, remotes, ...rest } = restored;
  const all = {
    packages: [...(pack === undefined ? [] : [pack]), ...listOf(packages)],
    remotes: [...(remote === undefined ? [] : [remote]), ...listOf(remotes)],
  };
  return {
    ...rest,
    ...(all.packages.length === 0 ? {} : { packages: all.packages }),
    ...(all.remotes.length === 0 ? {} : { remotes: all.remotes }),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether a reader of `file` finds `transport` in it. */
function readsAs(file: JsonObject, transport: Transport): boolean {
  const { servers } = readServers(jsonText(file), { format: 'server-json' });
  const found = servers[0]?.spec.transport;
  return found !== undefined && canonicalJson(found) === canonicalJson(transport);
}
