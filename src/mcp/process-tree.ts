import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';

/** Variable by which a process, and all that it starts, is found again. */
export const MARK_NAME = 'SWITCHBOARD_PROCESS';

/** Processes that are read in one turn of the event loop. */
const PER_TURN = 32;

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  /** With the pid it names a process for good: pids are used again. */
  readonly startTime: string;
  readonly isMarked: boolean;
}

/** The processes that came from one that was started with a mark, wherever they went. */
export interface ProcessTree {
  /** Looks for all of them, and returns those that run. */
  find(): Promise<readonly number[]>;
  /** As `find`, without giving up the turn: for the end of our own process. */
  findNow(): readonly number[];
  /** Those of the last look that still run. */
  remaining(): readonly number[];
}

/**
 * Makes a tree over what runs with `mark` in its environment, with all descendants. A process
 * that left its group is among them, also when its parent has ended or when it dropped its
 * environment; one that did both before the first look is not. Reads /proc: on systems other
 * than Linux the tree is empty.
 */
export function createProcessTree(mark: string): ProcessTree {
  const variable = `${MARK_NAME}=${mark}`;
  const known = new Map<number, string>();

  function select(entries: readonly ProcessEntry[]): readonly number[] {
    const found = new Map<number, string>();
    const belongs = ({ pid, parent, startTime, isMarked }: ProcessEntry): boolean =>
      isMarked || found.has(parent) || known.get(pid) === startTime;
    // A child may be listed before its parent.
    for (let before = -1; before !== found.size;) {
      before = found.size;
      for (const entry of entries) if (belongs(entry)) found.set(entry.pid, entry.startTime);
    }
    known.clear();
    for (const [pid, startTime] of found) known.set(pid, startTime);
    return [...known.keys()];
  }

  return {
    async find() {
      const entries: ProcessEntry[] = [];
      let read = 0;
      for (const pid of processIds()) {
        const entry = readProcess(pid, variable);
        if (entry !== undefined) entries.push(entry);
        read += 1;
        if (read % PER_TURN === 0) await nextTurn();
      }
      return select(entries);
    },
    findNow: () => select(processIds().flatMap((pid) => readProcess(pid, variable) ?? [])),
    remaining: () =>
      [...known].filter(([pid, startTime]) => statOf(pid)?.startTime === startTime).map(first),
  };
}

function first([pid]: readonly [number, string]): number {
  return pid;
}

function processIds(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid);
}

/** Undefined for one that is gone. */
function readProcess(pid: number, variable: string): ProcessEntry | undefined {
  const stat = statOf(pid);
  if (stat === undefined) return undefined;
  return { pid, ...stat, isMarked: hasVariable(pid, variable) };
}

/** Undefined for one that is gone, or that only waits for its parent to take note of its end. */
function statOf(pid: number): { parent: number; startTime: string } | undefined {
  const text = readText(`/proc/${String(pid)}/stat`);
  // The name of the program is in brackets and may have any character in it.
  const [state, parent, ...more] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const startTime = more[17];
  if (startTime === undefined || state === 'Z' || state === 'X') return undefined;
  return { parent: Number(parent), startTime };
}

/** False for processes of other users, whose environment is not ours to read. */
function hasVariable(pid: number, variable: string): boolean {
  return readText(`/proc/${String(pid)}/environ`)
    .split('\0')
    .includes(variable);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
