import { hasSeerAmong } from '../../domain/server.js';
import { usersAmong, type Subject } from '../../domain/view.js';
import { createBatches } from '../concurrency/batches.js';
import { withDeadline } from '../concurrency/deadline.js';
import { createRounds, type Rounds } from '../concurrency/rounds.js';
import { admit, type Admission, type AdmittingState } from './admission.js';
import { queryInventory, queryRecords, querySubjects, type ColdSource } from './cold-queries.js';
import { READ_MS } from './tenant-limits.js';

const NO_USERS: ReadonlySet<string> = new Set();
/** A node that opens with 10,000 views asks tens of queries, few of them at once. */
const BATCHES = { most: 500, atOnce: 4 };

/** Brings into a state what is not in it yet: each thing once, however many ask for it. */
export class Joins {
  /** Brings in the private records of subjects, and what was loaded for them. */
  readonly subjects: (subjects: readonly Subject[]) => Promise<void>;
  /** Brings in records with all their grants. */
  readonly records: (ids: readonly string[]) => Promise<void>;
  /** Brings in every record of the tenant. */
  readonly inventory: Rounds;
  private readonly state: AdmittingState;
  private readonly source: ColdSource;

  constructor(state: AdmittingState, source: ColdSource) {
    this.state = state;
    this.source = source;
    this.subjects = createBatches(BATCHES, (subjects) => this.admitSubjects(subjects));
    this.records = createBatches(BATCHES, (ids) => this.admitRecords(ids));
    this.inventory = createRounds(() => this.admitInventory());
  }

  private async admitSubjects(asked: readonly Subject[]): Promise<void> {
    const { history } = this.state;
    const cold = asked.filter((subject) => !history.records.warm.has(subject));
    if (cold.length === 0) return;
    const subjects = new Set(cold);
    await this.admit((options) => ({
      query: () => querySubjects(this.source, cold, options),
      users: new Set(usersAmong(cold)),
      concerns: (server) => hasSeerAmong(server, subjects),
      finish: ({ records }) => {
        records.warm.add(cold);
      },
    }));
  }

  private async admitRecords(asked: readonly string[]): Promise<void> {
    const ids = new Set(asked);
    await this.admit((options) => ({
      query: () => queryRecords(this.source, asked, options),
      users: NO_USERS,
      concerns: ({ record }) => ids.has(record.id),
      finish: () => undefined,
    }));
  }

  private async admitInventory(): Promise<void> {
    if (this.state.history.records.hasAll) return;
    await this.admit((options) => ({
      query: () => queryInventory(this.source, options),
      users: NO_USERS,
      concerns: () => true,
      finish: ({ records }) => {
        records.hasAll = true;
      },
    }));
  }

  private async admit(
    admissionFor: (options: { readonly signal: AbortSignal }) => Admission,
  ): Promise<void> {
    await withDeadline(READ_MS, (options) =>
      admit({ state: this.state, source: this.source, options }, admissionFor(options)),
    );
  }
}
