import { readFileSync } from 'node:fs';
import { ChannelCredentials, Metadata } from '@grpc/grpc-js';
import type { Command } from 'commander';
import { createRegistryClient, type RegistryClient } from '../wire/client/registry-client.js';
import { UsageError } from './failure.js';

/** Values of the flags by name, as commander gives them. */
export type Flags = Readonly<Record<string, unknown>>;

const FLAGS = [
  ['--target <host:port>', 'SWITCHBOARD_TARGET', 'the server, default 127.0.0.1:7070'],
  ['--tenant <id>', 'SWITCHBOARD_TENANT', 'the tenant, default `default`'],
  ['--token <token>', 'SWITCHBOARD_TOKEN', 'the bearer token'],
  ['--tls', 'SWITCHBOARD_TLS', 'use TLS with the CAs that Node trusts'],
  ['--tls-ca <file>', 'SWITCHBOARD_TLS_CA', 'use TLS with these CAs (PEM)'],
] as const;

/** Gives a command the flags that say which server it talks to. */
export function withConnectionFlags(command: Command): Command {
  for (const [flag, env, description] of FLAGS) command.option(flag, `${description} (${env})`);
  return command.option('--json', 'print proto JSON instead of text');
}

/** Opens a client as the flags and the environment say; whoever asked closes it. */
export function openClient(flags: Flags, env: NodeJS.ProcessEnv): RegistryClient {
  const read = (flag: string, variable: string): string =>
    (flags[flag] as string | undefined) ?? env[variable] ?? '';
  const target = read('target', 'SWITCHBOARD_TARGET');
  const token = read('token', 'SWITCHBOARD_TOKEN');
  const metadata = new Metadata();
  if (token !== '') metadata.set('authorization', `Bearer ${token}`);
  return createRegistryClient(target || '127.0.0.1:7070', credentials(flags, env), {
    tenant: read('tenant', 'SWITCHBOARD_TENANT'),
    metadata,
  });
}

function credentials(flags: Flags, env: NodeJS.ProcessEnv): ChannelCredentials {
  const ca = (flags['tlsCa'] as string | undefined) ?? env['SWITCHBOARD_TLS_CA'] ?? '';
  const switchedOn = /^(1|true)$/.test(env['SWITCHBOARD_TLS'] ?? '');
  if (ca === '') {
    return flags['tls'] === true || switchedOn
      ? ChannelCredentials.createSsl()
      : ChannelCredentials.createInsecure();
  }
  try {
    return ChannelCredentials.createSsl(readFileSync(ca));
  } catch (error) {
    throw new UsageError(`--tls-ca: cannot use ${ca}: ${String(error)}`);
  }
}
