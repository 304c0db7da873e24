// vitest's global set-up of the layers that start processes from dist/: when somebody runs vitest by
// hand, dist/ may be old.
import { ensureBuilt } from './setup.mjs';

export async function setup() {
  await ensureBuilt();
}
