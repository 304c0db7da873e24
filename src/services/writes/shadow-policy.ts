import { setImmediate as nextTurn } from 'node:timers/promises';
import { demandShadows, type ShadowPolicy, type ShadowRule } from '../../domain/commands/shadow.js';
import type { StoredServer } from '../../domain/server.js';
import type { Catalog } from '../../storage/catalog.js';
import type { Basis, WriteIntent } from '../commit/intent.js';
import { readNamed } from '../reads/namesakes.js';
import type { ExactSource } from '../replica/exact-read.js';
import type { Tenant } from '../tenants.js';

/** So many names are looked up in one turn of the event loop. */
const NAMES_PER_TURN = 100;

/** The servers that have some names, and until when that holds. */
export interface NamesRead {
  readonly named: ShadowRule['named'];
  readonly basis: Basis;
}

export interface NamesToRead {
  /** What becomes of these names is followed. */
  readonly followed: readonly string[];
  /** Those of them that the write may give to a shared server. */
  readonly shared: readonly string[];
}

/**
 * Reads which servers have the names that a write may give to shared ones. A name that a shared
 * server has is not looked up: whatever it hides, it hides already.
 */
export async function readNames(
  source: ExactSource,
  { followed, shared }: NamesToRead,
): Promise<NamesRead> {
  const { log } = source;
  const { revision } = log.position;
  const found = new Map<string, readonly StoredServer[]>();
  const free = shared.filter((name) => log.shared(name) === undefined);
  for (let first = 0; first < free.length; first += NAMES_PER_TURN) {
    if (first > 0) await nextTurn();
    const some = free.slice(first, first + NAMES_PER_TURN);
    const reads = await Promise.all(some.map((name) => readNamed(source, name)));
    for (const [index, name] of some.entries()) found.set(name, reads[index]?.value ?? []);
  }
  return {
    named: (name) => found.get(name) ?? [],
    basis: { names: new Set(followed), revision },
  };
}

export interface ShadowingIntent extends Pick<WriteIntent, 'prepare' | 'basis' | 'decide'> {
  readonly policy: ShadowPolicy;
  /** The names that the write may give to a shared server. Asked when it is prepared. */
  readonly names: () => readonly string[];
}

/** The write, refused with WOULD_SHADOW if it would hide private servers and may not. */
export function underShadowPolicy(
  { catalog, tenant: { log } }: { readonly catalog: Catalog; readonly tenant: Tenant },
  { policy, names, prepare, basis, decide }: ShadowingIntent,
): Pick<WriteIntent, 'prepare' | 'basis' | 'decide'> {
  let read: NamesRead;
  return {
    prepare: async (call) => {
      const release = await prepare(call);
      try {
        const shared = policy === 'fail' ? names() : [];
        read = await readNames({ ...call, log, catalog }, { followed: shared, shared });
        return release;
      } catch (error) {
        release();
        throw error;
      }
    },
    basis: () => {
      const own = basis?.() ?? read.basis;
      return { ...own, ...read.basis, revision: Math.min(own.revision, read.basis.revision) };
    },
    decide: (at) => {
      const decision = decide(at);
      demandShadows(decision?.changes ?? [], { policy, named: read.named });
      return decision;
    },
  };
}
