import { openControlPlane } from '../lab/open-control-plane.js';
import { serve } from '../lab/serve.js';

/** Data, and the file that says where the private servers of users come from. */
export interface SourcedData {
  readonly dataDir: string;
  readonly privateSources: string;
}

const methods = {
  /** Serves with its data in a folder; answers the address. */
  start: async (dataDir: string): Promise<string> => (await openControlPlane(dataDir)).address,
  /** The same with private sources. */
  startSourced: async ({ dataDir, privateSources }: SourcedData): Promise<string> =>
    (await openControlPlane(dataDir, { privateSources })).address,
};

/** A control plane that can be asked what it used. */
export type ControlPlane = typeof methods;

serve(methods);
