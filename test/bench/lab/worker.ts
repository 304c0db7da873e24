import { fork } from 'node:child_process';
import type { Lab } from './lab.js';
import type { Methods, Reply, Request } from './serve.js';

/** What a process has used, and what it holds. */
export interface Usage {
  /** Of all its threads, user and system. Microseconds. */
  readonly cpuMicros: number;
  /** JavaScript heap and buffers, after garbage collection if the process may ask for it. */
  readonly heapBytes: number;
  readonly rssBytes: number;
}

/** A process of ours that does one part of a bench. */
export interface Worker<M extends Methods> {
  call<K extends keyof M & string>(
    method: K,
    ...argument: Parameters<M[K]>
  ): Promise<Awaited<ReturnType<M[K]>>>;
  usage(): Promise<Usage>;
  /** Ends it at once; calls that it has not answered are rejected. */
  stop(): Promise<void>;
}

/** How long a worker has to end by itself. */
const LAST_GRACE_MS = 3_000;

/** How to start a worker. */
export interface WorkerOptions {
  /** For Node itself, such as `--expose-gc`. */
  readonly nodeFlags?: readonly string[];
}

/**
 * Starts the program of `role` (a module that calls `serve`) in a process of its own. It
 * ends with the bench at the latest, and at once on Ctrl-C.
 */
export function startWorker<M extends Methods>(
  lab: Lab,
  role: URL,
  { nodeFlags = [] }: WorkerOptions = {},
): Worker<M> {
  const child = fork(role, {
    execArgv: [...lab.nodeFlags, ...nodeFlags],
    serialization: 'advanced',
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  let isOver = false;
  child.on('message', ({ id, value, error }: Reply) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.resolve(value);
    else call?.reject(new Error(error));
  });
  const giveUp = (why: string): void => {
    for (const call of waiting.values()) call.reject(new Error(`${role.pathname} ${why}`));
    waiting.clear();
  };
  const ended = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      isOver = true;
      giveUp(`ended with ${String(code ?? signal)}`);
      resolve();
    });
  });
  // Not by a signal: a worker may have a process of its own to end.
  const hangUp = (): void => {
    giveUp('was stopped');
    if (child.connected) child.disconnect();
    setTimeout(() => child.kill('SIGKILL'), LAST_GRACE_MS).unref();
  };
  const stop = async (): Promise<void> => {
    lab.signal.removeEventListener('abort', hangUp);
    hangUp();
    await ended;
  };
  const ask = (method: string, argument: unknown): Promise<unknown> => {
    if (isOver || !child.connected) return Promise.reject(new Error(`${role.pathname} has ended`));
    const call = withResolvers<unknown>();
    lastId += 1;
    waiting.set(lastId, call);
    child.send({ id: lastId, method, argument } satisfies Request);
    return call.promise;
  };
  lab.signal.addEventListener('abort', hangUp);
  lab.defer(stop);
  return {
    call: (method, ...argument) => ask(method, argument[0]) as never,
    usage: () => ask('usage', undefined) as Promise<Usage>,
    stop,
  };
}

interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((ok, fail) => {
    resolve = ok;
    reject = fail;
  });
  return { promise, resolve, reject };
}
