// npm run hostile: attacks a control plane and a node. `-- --help` lists the options.
import { importKit } from './lib/compile-kits.mjs';
import { ROOT, main } from './lib/run.mjs';

await main(async () => {
  const { runHostile } = await importKit('test/hostile/main.js');
  process.exitCode = await runHostile(process.argv.slice(2), ROOT);
});
