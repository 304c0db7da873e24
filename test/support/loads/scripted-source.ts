import { SwitchboardError } from '../../../src/domain/errors.js';
import { SPEC_DEFAULTS } from '../../../src/domain/config/spec.js';
import type {
  PrivateSource,
  PrivateSourcePolicy,
  PrivateSources,
  SourceRow,
} from '../../../src/services/private-loads/private-source.js';
import { openMemoryLeases } from '../../../src/storage/leases/memory/memory-leases.js';
import type { ServicesDeps } from '../../../src/services/create-services.js';

/** What a test says of a row; everything else has a plain value. */
export interface RowParts {
  readonly rowId: string;
  readonly name?: string;
  readonly owner?: string;
  readonly url?: string;
  readonly content?: SourceRow['content'];
}

/** One question to the source that was not answered yet. */
interface Question {
  readonly user: string;
  /** Answers with the rows of the moment in which it was asked. */
  readonly answer: () => void;
  readonly fail: (error: Error) => void;
}

/** A private source that answers what a test says, when the test says so. */
export class ScriptedSource implements PrivateSource {
  readonly name: string;
  /** By user; one who is not there has none. */
  readonly rows = new Map<string, readonly RowParts[]>();
  /** Who was asked for, in order. */
  readonly asked: string[] = [];
  /** While it is set, questions wait here for the test. */
  held: Question[] | undefined;
  failure: SwitchboardError | undefined;

  constructor(name = 'app-db') {
    this.name = name;
  }

  set(user: string, ...rows: readonly RowParts[]): void {
    this.rows.set(user, rows);
  }

  load({ user }: { readonly user: string }, options?: { readonly signal?: AbortSignal }) {
    this.asked.push(user);
    const rows = (this.rows.get(user) ?? []).map((row) => toRow(row, user));
    if (this.failure !== undefined) return Promise.reject(this.failure);
    if (this.held === undefined) return Promise.resolve(rows);
    return new Promise<readonly SourceRow[]>((resolve, reject) => {
      options?.signal?.addEventListener('abort', () => {
        reject(new SwitchboardError('CANCELLED'));
      });
      this.held?.push({
        user,
        answer: () => {
          resolve(rows);
        },
        fail: reject,
      });
    });
  }

  /** Lets go all questions that wait, and holds no more. */
  release(): void {
    const waiting = this.held ?? [];
    this.held = undefined;
    for (const { answer } of waiting) answer();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function toRow({ rowId, name = rowId, owner, url, content }: RowParts, user: string): SourceRow {
  const transport = {
    kind: 'streamable_http',
    url: url ?? `https://${rowId}.example/mcp`,
    headers: {},
  } as const;
  return { rowId, name, owner: owner ?? user, content: content ?? { ...SPEC_DEFAULTS, transport } };
}

export const HOUR_MS = 3_600_000;

/** What a replica needs to load from `source`; replicas that share leases are given them. */
export async function loadingFrom(
  source: PrivateSource,
  policy: Partial<PrivateSourcePolicy> = {},
  leases = openMemoryLeases(),
): Promise<NonNullable<ServicesDeps['privateLoads']>> {
  const sources: PrivateSources = () => ({
    source,
    policy: { ttlMs: HOUR_MS, concurrency: 8, foreignOwners: true, ...policy },
  });
  return { sources, leases: await leases, random: () => 0 };
}
