import type { Arm } from '../bench.js';
import type { UnaryLoad } from '../roles/unary-load.js';
import type { Lab } from './lab.js';
import type { Usage, Worker } from './worker.js';

/** A call that is made again and again, to a server that can be asked what it used. */
export interface UnaryTarget {
  readonly server: { usage(): Promise<Usage> };
  readonly load: Worker<UnaryLoad>;
  readonly address: string;
  readonly path: string;
  readonly request: Buffer;
}

/** Calls on 4 connections, 16 in flight on each: server CPU for each call, and calls a second. */
export function unaryArm(lab: Lab, { server, load, ...target }: UnaryTarget): Arm {
  return async () => {
    const before = await server.usage();
    const options = { connections: 4, inFlight: 16, ms: lab.isQuick ? 200 : 2_000 };
    const { calls, seconds } = await load.call('run', { ...target, ...options });
    const after = await server.usage();
    return { cpu: (after.cpuMicros - before.cpuMicros) / calls, rate: calls / seconds };
  };
}
