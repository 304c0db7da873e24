import { z } from 'zod';

/** The schema whose files are read and written. */
export const SCHEMA_URL =
  'https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json';

/** The form of a name: a namespace in reverse DNS notation, and one slash. */
export const SERVER_NAME = /^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/;

const input = {
  description: z.string().optional(),
  isRequired: z.boolean().optional(),
  isSecret: z.boolean().optional(),
  format: z.enum(['string', 'number', 'boolean', 'filepath']).optional(),
  value: z.string().optional(),
  default: z.string().optional(),
  placeholder: z.string().optional(),
  choices: z.array(z.string()).optional(),
};

const inputSchema = z.looseObject(input);
const withVariables = { ...input, variables: z.record(z.string(), inputSchema).optional() };

const keyValueSchema = z.looseObject({ ...withVariables, name: z.string().min(1) });

const argumentSchema = z.discriminatedUnion('type', [
  z.looseObject({
    ...withVariables,
    type: z.literal('positional'),
    valueHint: z.string().optional(),
    isRepeated: z.boolean().optional(),
  }),
  z.looseObject({
    ...withVariables,
    type: z.literal('named'),
    name: z.string().min(1),
    isRepeated: z.boolean().optional(),
  }),
]);

const remoteSchema = z.looseObject({
  type: z.enum(['streamable-http', 'sse']),
  url: z.string(),
  headers: z.array(keyValueSchema).optional(),
  variables: z.record(z.string(), inputSchema).optional(),
});

const packageSchema = z.looseObject({
  registryType: z.string(),
  identifier: z.string().min(1),
  version: z.string().optional(),
  transport: z.looseObject({ type: z.string() }),
  runtimeHint: z.string().optional(),
  runtimeArguments: z.array(argumentSchema).optional(),
  packageArguments: z.array(argumentSchema).optional(),
  environmentVariables: z.array(keyValueSchema).optional(),
});

const iconSchema = z.looseObject({
  src: z.string(),
  mimeType: z.string().optional(),
  sizes: z.array(z.string()).optional(),
  theme: z.string().optional(),
});

/** What we know of a server.json. Everything else is kept aside. */
export const serverSchema = z.looseObject({
  $schema: z.string().optional(),
  name: z.string().regex(SERVER_NAME, 'must be like io.github.user/server'),
  title: z.string().optional(),
  description: z.string(),
  version: z.string(),
  websiteUrl: z.string().optional(),
  icons: z.array(iconSchema).optional(),
  packages: z.array(packageSchema).optional(),
  remotes: z.array(remoteSchema).optional(),
});

export const SERVER_FIELDS: ReadonlySet<string> = new Set(Object.keys(serverSchema.shape));
export const PACKAGE_FIELDS: ReadonlySet<string> = new Set(Object.keys(packageSchema.shape));
export const REMOTE_FIELDS: ReadonlySet<string> = new Set(Object.keys(remoteSchema.shape));
export const ICON_FIELDS: ReadonlySet<string> = new Set(Object.keys(iconSchema.shape));

export type ServerJson = z.infer<typeof serverSchema>;
export type Input = z.infer<typeof inputSchema>;
export type TemplateInput = Input & {
  readonly variables?: Readonly<Record<string, Input>> | undefined;
};
export type Argument = z.infer<typeof argumentSchema>;
export type KeyValue = z.infer<typeof keyValueSchema>;
export type Package = z.infer<typeof packageSchema>;
export type Remote = z.infer<typeof remoteSchema>;
