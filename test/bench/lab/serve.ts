/** What a worker can be asked: functions of at most one argument that can be sent to a process. */
export type Methods = Readonly<Record<string, (argument: never) => unknown>>;

/** A question to a worker. */
export interface Request {
  readonly id: number;
  readonly method: string;
  readonly argument: unknown;
}

/** Its answer; `error` if it threw. */
export interface Reply {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

/** Answers the parent process until it is gone; then this process ends too. */
export function serve(methods: Methods): void {
  // Ctrl-C reaches the whole group. The parent decides: it may have to ask something first.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(0));
  process.on('message', (request: Request) => {
    void answer({ usage, ...methods }, request).then((reply) => process.send?.(reply));
  });
}

async function answer(methods: Methods, { id, method, argument }: Request): Promise<Reply> {
  try {
    const run = methods[method];
    if (run === undefined) throw new Error(`no method ${method}`);
    return { id, value: await run(argument as never) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

function usage(): object {
  // More than once: what finalizers let go of is collected by the next one.
  for (let round = 0; round < 3; round += 1) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { cpuMicros: user + system, heapBytes: heapUsed + external, rssBytes: rss };
}
