// npm run demo: sets up what is missing, then becomes examples/demo/main.ts.
import { become } from './lib/become.mjs';

await become('examples/demo/main.js', process.argv.slice(2));
