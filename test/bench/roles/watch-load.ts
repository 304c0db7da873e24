import {
  closedLoop,
  type ClosedLoopOptions,
  type Fleet,
  openLoop,
  type OpenLoopOptions,
} from '../lab/commit-loops.js';
import { serve } from '../lab/serve.js';
import { openStreams, type StreamsOptions, type WatchStreams } from '../lab/watch-streams.js';
import { createWriter, type Written, type WriterSpec } from '../lab/writers.js';

/** Streams to open, and what writes to them. */
export interface FleetOptions {
  /** By what the loops call it. */
  readonly name: string;
  readonly streams: StreamsOptions;
  readonly writer: WriterSpec;
}

/** Which fleet, and how many messages a commit is on each of its streams. */
export interface CommitOnceOptions {
  readonly name: string;
  readonly perCommit: number;
}

/** Everything of one commit that went over the wire, the messages as one stream had them. */
export interface CommitTrace extends Written {
  readonly messages: readonly Buffer[];
}

const fleets = new Map<string, Fleet>();
const idle: WatchStreams[] = [];

const methods = {
  /** Opens streams, and nothing is written to them. */
  async open(options: StreamsOptions): Promise<void> {
    idle.push(await openStreams(options));
  },
  /** Opens streams for the loops. */
  async connect({ name, streams, writer }: FleetOptions): Promise<void> {
    const opened = await openStreams(streams);
    fleets.set(name, { streams: opened, writer: createWriter(opened.client, writer) });
  },
  /** Makes one commit; answers what was sent for it and what came of it on the first stream. */
  async commitOnce({ name, perCommit }: CommitOnceOptions): Promise<CommitTrace> {
    const { streams, writer } = fleetOf(name);
    const messages: Buffer[] = [];
    const arrived = new Promise<void>((resolve, reject) => {
      const stop = streams.listen((stream, _events, message) => {
        if (stream !== 0) return;
        messages.push(message);
        if (messages.length < perCommit) return;
        stop();
        resolve();
      }, reject);
    });
    const written = await writer.write();
    await arrived;
    return { ...written, messages };
  },
  closedLoop: ({ name, ...options }: ClosedLoopOptions & { readonly name: string }) =>
    closedLoop(fleetOf(name), options),
  openLoop: ({ name, ...options }: OpenLoopOptions & { readonly name: string }) =>
    openLoop(fleetOf(name), options),
  /** Closes the connections of a fleet. */
  close(name: string): void {
    fleetOf(name).streams.close();
    fleets.delete(name);
  },
};

function fleetOf(name: string): Fleet {
  const fleet = fleets.get(name);
  if (fleet === undefined) throw new Error(`no fleet ${name}`);
  return fleet;
}

/** The process that watches and writes. */
export type WatchLoad = typeof methods;

serve(methods);
