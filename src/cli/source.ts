import { randomUUID } from 'node:crypto';
import {
  GetPrivateSourceRequest,
  RemovePrivateSourceRequest,
  type RemovePrivateSourceResponse,
  RenamePrivateSourceRequest,
  type RenamePrivateSourceResponse,
  SourceServers,
} from '../wire/clients.js';
import { answerLine } from '../wire/json.js';
import type { Connection, Flags } from './connection.js';
import { EXIT_CODES, UsageError } from './failure.js';
import { confirmed, type Surroundings } from './io.js';
import { reasonOf } from './reason.js';
import { repeatWrite } from './repeat.js';
import { removalText, removedText, renameText, sourceText } from './source-text.js';
import { printable } from './text.js';
import { callUnary } from './unary.js';

/** A removal of many servers takes several commits. Milliseconds. */
const TIMEOUT_MS = 120_000;

/** `switchboard source show`: shows the private source of the tenant. */
export async function showSource(
  { client, tenant, metadata }: Connection,
  flags: Flags,
): Promise<string> {
  const answer = await callUnary(
    client.getPrivateSource.bind(client),
    GetPrivateSourceRequest.fromPartial({ tenant }),
    { metadata },
  );
  if (flags['json'] === true) return answerLine('GetPrivateSourceResponse', answer);
  return answer.source === undefined ? '' : sourceText(answer.source);
}

/** `switchboard source rename`: renames the private source of the tenant. */
export async function renameSource(
  { client, tenant, metadata }: Connection,
  { name, newName }: { readonly name: string; readonly newName: string },
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const request = { tenant, name, newName, reason: reasonOf(flags) };
  const send = (what: Partial<RenamePrivateSourceRequest>): Promise<RenamePrivateSourceResponse> =>
    callUnary(
      client.renamePrivateSource.bind(client),
      RenamePrivateSourceRequest.fromPartial({ ...request, ...what }),
      { metadata },
    );

  const plan = await send({ validateOnly: true });
  if (!json) io.out(renameText({ name, newName }));
  if (flags['dryRun'] === true) {
    if (json) io.out(answerLine('RenamePrivateSourceResponse', plan));
    return EXIT_CODES.ok;
  }
  if (!(await confirmed(io, `Rename ${printable(name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const requestId = randomUUID();
  const done = await repeatWrite(() => send({ requestId }), { signal: io.signal });
  io.out(json ? answerLine('RenamePrivateSourceResponse', done) : 'Renamed.\n');
  return EXIT_CODES.ok;
}

/**
 * `switchboard source remove`: removes the private source of the tenant. First shows how many
 * servers it has. Returns the exit code.
 */
export async function removeSource(
  { client, tenant, metadata }: Connection,
  name: string,
  { flags, io }: Surroundings,
): Promise<number> {
  const json = flags['json'] === true;
  const request = { tenant, name, servers: serversFlag(flags), reason: reasonOf(flags) };
  const send = (what: Partial<RemovePrivateSourceRequest>): Promise<RemovePrivateSourceResponse> =>
    callUnary(
      client.removePrivateSource.bind(client),
      RemovePrivateSourceRequest.fromPartial({ ...request, ...what }),
      { metadata, timeoutMs: TIMEOUT_MS },
    );

  const plan = await send({ validateOnly: true });
  if (!json) io.out(removalText(name, request.servers, plan));
  if (flags['dryRun'] === true) {
    if (json) io.out(answerLine('RemovePrivateSourceResponse', plan));
    return EXIT_CODES.ok;
  }
  if (!(await confirmed(io, `Remove ${printable(name)}?`, flags))) {
    io.err('Nothing was changed.\n');
    return EXIT_CODES.failed;
  }
  const requestId = randomUUID();
  const done = await repeatWrite(() => send({ requestId }), { signal: io.signal });
  io.out(json ? answerLine('RemovePrivateSourceResponse', done) : removedText(done));
  return EXIT_CODES.ok;
}

function serversFlag({ drop, keep }: Flags): SourceServers {
  if ((drop === true) === (keep === true))
    throw new UsageError('choose what happens to its servers: either --drop or --keep');
  return drop === true ? SourceServers.SERVERS_DROP : SourceServers.SERVERS_KEEP;
}
