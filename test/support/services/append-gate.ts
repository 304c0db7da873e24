import type { Failpoint } from '../../../src/domain/failpoint.js';

/** Holds up the next append of a replica after it was written, before it is seen there. */
export interface AppendGate {
  readonly failpoint: Failpoint;
  close(): void;
  /** Whether an append waits here, or went through. */
  isTaken(): boolean;
  open(): void;
}

/** A gate that is open. */
export function appendGate(): AppendGate {
  let gate: Promise<void> | undefined;
  let open = (): void => undefined;
  return {
    failpoint: async (name) => {
      if (name !== 'append.after') return;
      const held = gate;
      gate = undefined;
      await held;
    },
    close: () => {
      gate = new Promise((resolve) => (open = resolve));
    },
    isTaken: () => gate === undefined,
    open: () => {
      open();
    },
  };
}

/** Lets everything that waits for nothing but its turn go on. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
