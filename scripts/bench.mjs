// npm run bench: measures, in this process and others that it starts. `-- --help` lists the options.
import { ensureEtcd } from './lib/etcd.mjs';
import { importKit } from './lib/compile-kits.mjs';
import { ROOT, main } from './lib/run.mjs';

await main(async () => {
  const { runBench } = await importKit('test/bench/main.js');
  process.exitCode = await runBench(process.argv.slice(2), { root: ROOT, ensureEtcd });
});
