// npm run check: everything that can be said about the code without running it. Stops at the first failure.
import { ensureInstalled } from './lib/setup.mjs';
import { bin, main, run, say } from './lib/run.mjs';

const node = process.execPath;

// The cheap ones first. `fix` is what to do when the step fails.
const STEPS = [
  {
    name: 'generated code is up to date',
    command: [node, ['scripts/gen.mjs', '--check']],
    fix: 'npm run gen',
  },
  {
    name: 'proto lint',
    command: [node, ['scripts/buf.mjs', '--lint']],
    fix: 'change the .proto files as the messages say',
  },
  {
    name: 'proto breaking changes',
    command: [node, ['scripts/buf.mjs', '--breaking']],
    fix: 'add instead of changing; only a release moves the baseline (npm run buf -- --accept)',
  },
  { name: 'formatting', command: [bin('prettier'), ['--check', '.']], fix: 'npm run format' },
  {
    name: 'import rules',
    command: [bin('depcruise'), ['--config', '.dependency-cruiser.cjs', 'src']],
    fix: 'each rule says in its comment what to do instead',
  },
  {
    name: 'types',
    command: [bin('tsc'), ['-p', 'tsconfig.json']],
    fix: 'npm run typecheck shows the errors again',
  },
  {
    name: 'lint',
    command: [bin('eslint'), ['.', '--max-warnings', '0']],
    fix: 'npm run lint -- --fix mends what can be mended by itself',
  },
];

await main(async () => {
  await ensureInstalled();
  for (const [index, { name, command, fix }] of STEPS.entries()) {
    say(`check ${index + 1}/${STEPS.length}: ${name}`);
    const code = await run(...command);
    if (code !== 0) throw new Error(`check failed at "${name}". To fix: ${fix}`);
  }
  say('all checks passed');
});
