import type { Lab } from '../bench/lab/lab.js';

/**
 * Against what an attack goes: the control plane, an application that uses the client library,
 * or whatever reads config files.
 */
export type Target = 'control plane' | 'node' | 'files';

/** One attack from outside. A further one is one more of these in `attacks/index.ts`. */
export interface Attack {
  /** Unique, and short enough for the first column. */
  readonly name: string;
  readonly target: Target;
  /** What is sent, in one sentence; goes into docs/security.md. */
  readonly about: string;
  /** What stops it, in one sentence; goes into docs/security.md. */
  readonly defence: string;
  /** What the attacker gets where the defence holds. */
  readonly held: RegExp;
  /** How many times as long as a turn of a bare loop a turn may take. Default 10. */
  readonly maxRatio?: number;
  /** By how much the resident memory of the process may grow. MiB. */
  readonly maxGrowthMiB: number;
  /** Starts what the attack needs and registers with the lab what ends it. */
  open(lab: Lab): Promise<Scene>;
}

/** A process under attack, and those who use it meanwhile. */
export interface Scene {
  readonly victim: Victim;
  /** Undefined where nobody else uses the process. */
  readonly others?: Others;
  /** Attacks, and returns what the attacker got, in a few words. */
  attack(): Promise<string>;
}

/** The process under attack. It measures itself. */
export interface Victim {
  measured(): Promise<Measured>;
}

/** What a process has measured since it was asked last. */
export interface Measured {
  /** The longest turn of the event loop. Milliseconds. */
  readonly longestTurnMs: number;
  /** The most resident memory since the process began. MiB. */
  readonly peakMiB: number;
}

/** Users who make calls all the time and have done nothing wrong. */
export interface Others {
  begin(): Promise<void>;
  /** Ends, and returns how many calls were made and how many of them failed. */
  end(): Promise<OthersResult>;
}

export interface OthersResult {
  readonly calls: number;
  readonly failures: readonly string[];
}
