// npm run test:lagging: the tests of the services on the engine whose projections lag, with 200 seeds of
// each random history, or as many as SWITCHBOARD_HISTORIES says. Arguments go to vitest.
process.env.SWITCHBOARD_HISTORIES ??= '200';
process.argv.splice(2, 0, '--project', 'lagging');
await import('./test.mjs');
