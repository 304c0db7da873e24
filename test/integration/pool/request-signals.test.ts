import { getEventListeners } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { openConnection } from '../../support/mcp/connect.js';
import { openHttpServer } from '../../support/mcp/pool.js';
import { httpServer } from '../../support/mcp/specs.js';

/** Enough to see a listener that stays. With 100,000 the run takes minutes, and warns as little. */
const CALLS = Number(process.env['SWITCHBOARD_TEST_CALLS'] ?? 300);

/** The stream of notices, which stays open, and one that the call before has not let go yet. */
const AT_MOST = 2;

it.each([{ json: false }, { json: true }])(
  'calls leave no listener on the signal of their connection (json $json) [C9]',
  async (options) => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error): void => void warnings.push(warning);
    process.on('warning', onWarning);
    onTestFinished(() => void process.off('warning', onWarning));
    const signals = new Set<AbortSignal>();
    const server = await openHttpServer(options);
    const connection = await openConnection(httpServer(server.url), {
      aroundFetch: (fetch) => async (url, init) => {
        if (init?.signal) signals.add(init.signal);
        return fetch(url, init);
      },
    });
    let most = 0;
    for (let calls = 0; calls < CALLS; calls += 1) {
      await connection.callTool({ name: 'label' });
      const listeners = [...signals].map((signal) => getEventListeners(signal, 'abort').length);
      most = Math.max(most, ...listeners);
    }
    expect(most).toBeLessThanOrEqual(AT_MOST);
    const atOnce = Array.from({ length: 50 }, () => connection.callTool({ name: 'label' }));
    await Promise.all(atOnce);
    expect(warnings).toEqual([]);
  },
);
