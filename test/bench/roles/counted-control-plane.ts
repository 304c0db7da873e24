import { type Admin, openAdmin, userView } from '../../support/grpc-admin/grpc-admin.js';
import { type StoreReads, takeReads } from '../lab/counting-lmdb.js';
import { openControlPlane } from '../lab/open-control-plane.js';
import { serve } from '../lab/serve.js';

let admin: Admin | undefined;

const methods = {
  async start(dataDir: string): Promise<void> {
    admin = openAdmin((await openControlPlane(dataDir)).address);
  },
  /** Lists for a user; answers what that read from the store, and how many servers came. */
  async list(user: string): Promise<StoreReads & { readonly servers: number }> {
    if (admin === undefined) throw new Error('not started');
    takeReads();
    const { servers } = await admin.list({ view: userView(user), pageSize: 1_000 });
    return { ...takeReads(), servers: servers.length };
  },
};

/** A control plane whose reads of LMDB are counted; needs `--import lab/count-lmdb.js`. */
export type CountedControlPlane = typeof methods;

serve(methods);
