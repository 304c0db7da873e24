import { once } from 'node:events';
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { SCHEMA_WORKER } from './schema-worker.js';

/** Milliseconds that one check may take, with the compilation of its schema. */
const DEADLINE_MS = 1000;
/** Compiled schemas that are kept. */
const MAX_COMPILED = 256;
/** Characters of a reason: an engine lists every mismatch of a value. */
const REASON_LENGTH = 500;
/** Megabytes that the thread may use. */
const MEMORY_MB = 128;

/** A schema and a value, both as JSON. */
export interface SchemaJob {
  readonly schema: string;
  readonly value: string;
}

/** `unchecked`: the schema cannot be compiled, or not within the limits. */
export type SchemaVerdict =
  | { readonly kind: 'valid' }
  | { readonly kind: 'invalid' | 'unchecked'; readonly reason: string }
  | { readonly kind: 'overrun'; readonly reason: string };

/** Checks values against schemas of servers that nobody needs to trust. */
export interface SchemaChecker {
  /** Never rejects. Jobs run one after the other. */
  check(job: SchemaJob): Promise<SchemaVerdict>;
  /** Ends the thread. Checks that wait are `unchecked`. */
  close(): Promise<void>;
}

type Answer = readonly ['valid'] | readonly ['invalid' | 'unchecked', string];

/**
 * Makes a checker with a thread of its own, started with the first job. A pattern that
 * backtracks, a schema that refers to itself or a list whose items must be unique can take
 * any time and memory, so the thread is ended at the deadline or its memory limit, and
 * another one is started for the next job.
 */
export function createSchemaChecker({ deadlineMs = DEADLINE_MS } = {}): SchemaChecker {
  let worker: Worker | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;

  async function start(): Promise<Worker> {
    const validators = createRequire(import.meta.url).resolve(
      '@modelcontextprotocol/client/validators/ajv',
    );
    const started = new Worker(SCHEMA_WORKER, {
      eval: true,
      workerData: { validators, limit: MAX_COMPILED, reasonLength: REASON_LENGTH },
      resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
      execArgv: [],
      env: {},
    });
    // Of a thread that runs out of memory while nothing waits for it.
    started.on('error', () => undefined);
    started.once('exit', () => {
      if (worker === started) worker = undefined;
    });
    await once(started, 'message');
    return started;
  }

  async function end(): Promise<void> {
    const ending = worker;
    worker = undefined;
    await ending?.terminate();
  }

  async function run(job: SchemaJob): Promise<SchemaVerdict> {
    if (closed) return { kind: 'unchecked', reason: 'the connector is closed' };
    const deadline = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    try {
      worker ??= await start();
      // While a check runs the process must not end for want of anything else to do.
      worker.ref();
      timer = setTimeout(() => deadline.abort(), deadlineMs);
      worker.postMessage(job);
      const [[kind, reason = '']] = (await once(worker, 'message', deadline)) as [Answer];
      worker.unref();
      return { kind, reason };
    } catch (error) {
      await end();
      const why = deadline.signal.aborted
        ? `it takes more than ${String(deadlineMs)} ms`
        : String(error);
      return { kind: 'overrun', reason: why };
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    check: async (job) => {
      const running = queue.then(() => run(job));
      queue = running;
      return running;
    },
    close: async () => {
      closed = true;
      await queue;
      await end();
    },
  };
}
