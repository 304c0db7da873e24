import { openControlPlane } from '../lab/open-control-plane.js';
import { serve } from '../lab/serve.js';

const methods = {
  /** Serves with its data in a folder; answers the address. */
  start: async (dataDir: string): Promise<string> => (await openControlPlane(dataDir)).address,
};

/** A control plane that can be asked what it used. */
export type ControlPlane = typeof methods;

serve(methods);
