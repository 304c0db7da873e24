import { ScriptedLeases } from '../support/storage/scripted-leases.js';
import { describeLeases } from './leases.suite.js';

// What tests of the services lose, steal and take down keeps the contract otherwise.
describeLeases('scripted', {
  capabilities: { betweenInstances: false, canFail: true },
  create: async () => {
    const opened: ScriptedLeases[] = [];
    const open = async (): Promise<ScriptedLeases> => {
      const leases = await ScriptedLeases.open();
      opened.push(leases);
      return leases;
    };
    const leases = await open();
    return {
      leases,
      openAnother: open,
      faults: leases,
      dispose: async () => {
        for (const each of opened) await each.close();
      },
    };
  },
});
