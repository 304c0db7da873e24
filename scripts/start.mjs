// npm start: sets up what is missing, then becomes the server. It begins with the example servers unless
// another seed is named.
import { become } from './lib/become.mjs';

const args = process.argv.slice(2);
const isSeedNamed =
  Boolean(process.env.SWITCHBOARD_SEED) || args.some((arg) => /^--seed(=|$)/.test(arg));

await become('src/server/main.js', [
  ...(isSeedNamed ? [] : ['--seed', 'examples/servers.json']),
  ...args,
]);
