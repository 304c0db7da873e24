import type { SwitchboardError } from '../../domain/errors.js';
import { describeFailure } from '../failure.js';
import type { Io } from '../io.js';
import { counted, printable } from '../text.js';
import type { ApplyOptions } from './options.js';
import type { PlannedSet } from './plan.js';
import type { Outcome } from './run.js';
import type { DeclaredSet } from './sets.js';
import { lossLine, outcomeText, planText, problemLine, warningLine } from './text.js';

/** Says what happens, as it happens: the answer on standard output, all else beside it. */
export interface Teller {
  /** What is wrong in a file, and what of it is not carried over. */
  reading(set: DeclaredSet): void;
  plan(planned: PlannedSet): void;
  /** How it ended, if nothing was applied. */
  end(how: string): void;
  progress(set: DeclaredSet, done: number): void;
  waiting(error: SwitchboardError, waitMs: number): void;
  outcome(planned: PlannedSet, outcome: Outcome): void;
}

const CLEAR_LINE = '\r\u001b[K';

/** With `--json`, standard output is left to the document. */
export function createTeller(io: Io, { json, prune }: ApplyOptions): Teller {
  const out = (text: string): void => {
    if (!json) io.out(text);
  };
  return {
    reading(set) {
      const { file, read, warnings, broken } = set;
      for (const problem of read.problems) io.err(problemLine(file, problem));
      for (const loss of read.losses) io.err(lossLine(file, loss));
      for (const warning of warnings) io.err(warningLine(file, warning));
      const name = printable(file);
      if (broken) io.err(`${name}: nothing in it can be applied\n`);
      else if (prune && !set.prune) {
        io.err(
          `${name}: --prune is skipped: the unreadable entries above may be in the registry, and must not be deleted\n`,
        );
      }
    },
    plan(planned) {
      out(planText(planned));
    },
    end(how) {
      out(`${how}\n`);
    },
    progress({ file, read }, done) {
      if (!io.watched) return;
      const count = counted(read.servers.length, 'server');
      io.err(`${CLEAR_LINE}${printable(file)}: ${String(done)} of ${count} …`);
    },
    waiting({ reason }, waitMs) {
      const start = io.watched ? CLEAR_LINE : '';
      io.err(`${start}switchboard: ${reason}; retrying in ${waitMs.toFixed(0)} ms\n`);
    },
    outcome(planned, outcome) {
      if (io.watched) io.err(CLEAR_LINE);
      out(outcomeText(planned, outcome));
      const { failure, stopped } = outcome;
      if (failure !== undefined) io.err(describeFailure(failure));
      if (stopped || failure !== undefined) {
        io.err(`${stopped ? 'Stopped. ' : ''}Apply again to complete it.\n`);
      }
    },
  };
}
