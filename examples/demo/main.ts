// npm run demo: a control plane, two nodes of an application and real MCP servers, each in a process of its
// own, and what happens to connections and calls while the configuration changes and the control plane dies.
// Ends with 0 if all of it was as Switchboard promises, with 1 and a list if not.
import { createChecks } from './checks.js';
import { openStage } from './stage.js';
import { tellStory } from './story.js';

const checks = createChecks((line) => console.log(line));
const stage = await openStage();

// A process that is told to stop takes along what it has started.
for (const [signal, exitCode] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.once(signal, () => {
    void stage.close().finally(() => process.exit(exitCode));
  });
}

const startedAt = performance.now();
try {
  await tellStory(stage, checks);
} catch (error) {
  checks.claim('the story could be told to its end', false, String(error));
} finally {
  await stage.close();
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
checks.claim(`it took less than a minute (${seconds} s)`, seconds < 60);

if (checks.failed.length === 0) {
  console.log('\nAll of it was so.');
} else {
  console.log('\nThis was NOT so:');
  for (const claim of checks.failed) console.log(`  - ${claim}`);
  process.exitCode = 1;
}
