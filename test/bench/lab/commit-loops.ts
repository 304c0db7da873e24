import { quantile } from '../figures.js';
import type { WatchStreams } from './watch-streams.js';
import type { Writer } from './writers.js';

/** Streams, and what writes to them. */
export interface Fleet {
  readonly streams: WatchStreams;
  readonly writer: Writer;
}

/** Commits as fast as the streams take them. */
export interface ClosedLoopOptions {
  readonly ms: number;
  /** So many commits may be under way, from the request until the last stream has it. */
  readonly window: number;
  /** Events that a commit is on each stream. */
  readonly perCommit: number;
}

/** What a closed loop has done. */
export interface ClosedLoopResult {
  readonly commits: number;
  /** Commits times streams. */
  readonly deliveries: number;
  readonly seconds: number;
}

/** How long nothing more may come after the last message that was expected. */
const SILENCE_MS = 50;

/**
 * Begins commits for `ms` milliseconds, and ends when every stream has all of them. Rejects
 * if more messages come than that: then something else was written meanwhile.
 */
export function closedLoop(
  { streams, writer }: Fleet,
  { ms, window, perCommit }: ClosedLoopOptions,
): Promise<ClosedLoopResult> {
  const begin = performance.now();
  const eventsPerCommit = perCommit * streams.total;
  let commits = 0;
  let answered = 0;
  let events = 0;
  return new Promise((resolve, reject) => {
    const write = (): void => {
      commits += 1;
      writer.write().then(() => {
        answered += 1;
        step();
      }, reject);
    };
    const step = (): void => {
      const isOver = performance.now() - begin >= ms;
      if (!isOver) {
        const delivered = Math.floor(events / eventsPerCommit);
        const free = Math.min(window - (commits - delivered), writer.atOnce - (commits - answered));
        for (let count = 0; count < free; count += 1) write();
      } else if (answered === commits && events === commits * eventsPerCommit) {
        const seconds = (performance.now() - begin) / 1_000;
        const result = { commits, deliveries: commits * streams.total, seconds };
        setTimeout(() => {
          stop();
          resolve(result);
        }, SILENCE_MS);
      }
    };
    const stop = streams.listen((_stream, count) => {
      events += count;
      if (events > commits * eventsPerCommit) reject(new Error('more came than was committed'));
      else if (events % eventsPerCommit < count) step();
    }, reject);
    step();
  });
}

/** Commits at a fixed pace. */
export interface OpenLoopOptions {
  readonly commits: number;
  readonly everyMs: number;
  readonly perCommit: number;
}

/** Milliseconds from sending the write until a stream's callback has the commit, over all streams. */
export interface OpenLoopResult {
  readonly p50: number;
  readonly p99: number;
  readonly deliveries: number;
}

/** Begins a commit every `everyMs`, whatever became of those before, and waits for all. */
export function openLoop(
  { streams, writer }: Fleet,
  { commits, everyMs, perCommit }: OpenLoopOptions,
): Promise<OpenLoopResult> {
  const sentAt = new Float64Array(commits);
  const seen = new Uint32Array(streams.total);
  const latencies = new Float64Array(commits * streams.total);
  let delivered = 0;
  const begin = performance.now();
  return new Promise((resolve, reject) => {
    const send = (turn: number): void => {
      sentAt[turn] = performance.now();
      writer.write().catch(reject);
      if (turn + 1 === commits) return;
      const dueAt = begin + (turn + 1) * everyMs;
      setTimeout(send, Math.max(0, dueAt - performance.now()), turn + 1);
    };
    const stop = streams.listen((stream, count) => {
      const before = seen[stream] ?? 0;
      seen[stream] = before + count;
      const now = performance.now();
      for (
        let turn = Math.floor(before / perCommit);
        (turn + 1) * perCommit <= before + count;
        turn += 1
      ) {
        latencies[delivered] = now - (sentAt[turn] ?? now);
        delivered += 1;
      }
      if (delivered < latencies.length) return;
      stop();
      const values = Array.from(latencies);
      resolve({ p50: quantile(values, 0.5), p99: quantile(values, 0.99), deliveries: delivered });
    }, reject);
    send(0);
  });
}
