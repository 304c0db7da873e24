import { beforeAll, describe, it } from 'vitest';
import { CLIENT_EXAMPLES } from '../../scripts/lib/client-examples.mjs';
import { runScenario } from '../support/clients/driver.js';
import { readScenarios } from '../support/clients/scenario.js';

// The examples in other languages, against real servers. What a language needs is set up once in a
// clone; where the language itself is not installed, its tests are skipped and say so.

const SETUP_MS = 600_000;

const scenarios = readScenarios().map((scenario) => [scenario.name, scenario] as const);

describe.each(Object.entries(CLIENT_EXAMPLES))(
  'the example in %s [W1, W2, W3, W4, W5, W6, W7, W8, W11, F1]',
  (_language, prepare) => {
    let prepared: Awaited<ReturnType<typeof prepare>>;

    beforeAll(async () => {
      prepared = await prepare();
    }, SETUP_MS);

    it.for(scenarios)('%s', async ([, scenario], { skip }) => {
      if ('missing' in prepared) return skip(prepared.missing);
      await runScenario(scenario, prepared.command);
    });
  },
);
