import { SwitchboardError } from '../../domain/errors.js';
import type { FrameSink } from '../../services/watch/sink.js';
import type { Authenticate } from '../authenticator.js';
import type { Log } from '../log.js';
import { createCallTurns, type CallTurns } from './call-turns.js';

export interface ShellOptions {
  readonly authenticate: Authenticate;
  readonly log: Log;
  /** The most streams of ours that may be open at once, over all connections. */
  readonly maxStreams: number;
}

/** What every call of one server shares. */
export interface ShellState extends ShellOptions {
  readonly turns: CallTurns;
  /** Throws STARTING until `serve`, and SHUTTING_DOWN once the shell drains. */
  readonly admit: () => void;
  /** Takes one of the places for streams, until the sink is gone, or throws TOO_MANY_STREAMS. */
  readonly openStream: (sink: FrameSink) => void;
  readonly serve: () => void;
  /** From now on `admit` throws. */
  readonly drain: () => void;
  readonly endStreams: (error: SwitchboardError) => void;
}

export function createShellState(options: ShellOptions): ShellState {
  let phase: 'starting' | 'serving' | 'draining' = 'starting';
  const streams = new Set<FrameSink>();
  return {
    ...options,
    turns: createCallTurns(),
    admit() {
      if (phase === 'serving') return;
      const reason = phase === 'starting' ? 'STARTING' : 'SHUTTING_DOWN';
      throw new SwitchboardError(reason, undefined, { retryDelayMs: 1_000 });
    },
    openStream(sink) {
      if (streams.size >= options.maxStreams) {
        throw new SwitchboardError('TOO_MANY_STREAMS', undefined, {
          metadata: { limit: String(options.maxStreams) },
        });
      }
      streams.add(sink);
      sink.onceGone(() => streams.delete(sink));
    },
    serve() {
      phase = 'serving';
    },
    drain() {
      phase = 'draining';
    },
    endStreams(error) {
      for (const sink of streams) sink.end(error);
    },
  };
}
