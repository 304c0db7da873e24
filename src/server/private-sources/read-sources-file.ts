import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { type Entry, fail, openEntry, parseEntry } from '../../formats/entry.js';
import type { FilePath } from '../../formats/tree.js';
import { parseText } from '../../formats/parse-text.js';
import type { PrivateSourcePolicy } from '../../services/private-loads/private-source.js';
import { firstProblem } from '../file-problem.js';
import { messageOf, StartError } from '../start-error.js';
import type { GrpcSourceConfig, SourceTls } from './grpc-source.js';
import { type SourceEntry, sourcesFileSchema } from './source-schema.js';
import { tokenFileProblem } from './source-token.js';

/** The private source of one tenant, as the file declares it. */
export interface DeclaredSource {
  readonly tenant: string;
  readonly source: GrpcSourceConfig;
  readonly policy: PrivateSourcePolicy;
}

/**
 * Reads the file of `--private-sources`, and the files that it names: their paths start at
 * its folder. Throws a StartError that names the file, the place and the field.
 */
export function readSourcesFile(file: string): readonly DeclaredSource[] {
  const { root, problems } = parseText(readText(file), file);
  if (root === undefined) throw fileError(file, firstProblem(problems));
  // Only for its places: it is no file of servers.
  const entry = openEntry({ format: 'switchboard', root }, []);
  const parsed = parseEntry(entry, sourcesFileSchema);
  const folder = path.dirname(file);
  const declared = (parsed?.sources ?? []).map((source, index) =>
    declare(source, { entry, at: ['sources', index], folder }),
  );
  refuseDoubles(entry, declared);
  const problem = firstProblem(entry.problems);
  if (problem !== undefined) throw fileError(file, problem);
  return declared;
}

/** Where a source stands, and where what is wrong with it is told. */
interface Place {
  readonly entry: Entry;
  readonly at: FilePath;
  readonly folder: string;
}

function declare(source: SourceEntry, place: Place): DeclaredSource {
  const { name, target, timeout: timeoutMs, max_rows: maxRows, max_bytes: maxBytes } = source;
  const tls = readTls(source, place);
  const tokenFile = checkTokenFile(source, place);
  return {
    tenant: source.tenant,
    source: {
      name,
      target,
      timeoutMs,
      maxRows,
      maxBytes,
      ...(tls === undefined ? {} : { tls }),
      ...(tokenFile === undefined ? {} : { tokenFile }),
    },
    policy: {
      ttlMs: source.ttl,
      concurrency: source.concurrency,
      foreignOwners: source.foreign_owners,
    },
  };
}

function readTls({ tls }: SourceEntry, { entry, at, folder }: Place): SourceTls | undefined {
  if (tls === undefined) return undefined;
  const read = (field: 'ca' | 'cert' | 'key'): Buffer | undefined => {
    const named = tls[field];
    if (named === undefined) return undefined;
    try {
      return readPem(path.resolve(folder, named));
    } catch (error) {
      fail(entry, [...at, 'tls', field], `cannot be used: ${messageOf(error)}`);
      return undefined;
    }
  };
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')];
  try {
    // grpc-js would find out at the first connection only.
    createSecureContext({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
  } catch (error) {
    fail(entry, [...at, 'tls'], `cannot be used: ${messageOf(error)}`);
  }
  return { ...(ca && { ca }), ...(cert && key && { identity: { cert, key } }) };
}

function checkTokenFile(source: SourceEntry, { entry, at, folder }: Place): string | undefined {
  if (source.token_file === undefined) return undefined;
  const file = path.resolve(folder, source.token_file);
  const problem = tokenFileProblem(file);
  if (problem !== undefined) fail(entry, [...at, 'token_file'], problem);
  return file;
}

function refuseDoubles(entry: Entry, declared: readonly DeclaredSource[]): void {
  const taken = new Map<string, number>();
  for (const [index, { tenant }] of declared.entries()) {
    const first = taken.get(tenant);
    if (first === undefined) taken.set(tenant, index);
    else {
      const path = ['sources', index, 'tenant'];
      fail(entry, path, `this tenant already has a source: sources[${String(first)}]`);
    }
  }
}

function readPem(file: string): Buffer {
  const pem = readFileSync(file);
  if (!pem.includes('-----BEGIN ')) throw new Error(`${file} is not a PEM file`);
  return pem;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw fileError(file, `cannot be read: ${messageOf(error)}`);
  }
}

function fileError(file: string, what = ''): StartError {
  return new StartError(`--private-sources ${file}: ${what}`);
}
