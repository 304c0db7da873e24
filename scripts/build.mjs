// npm run build: dist/ from src/ and generated/, also when it seems up to date.
import { ensureBuilt, ensureInstalled } from './lib/setup.mjs';
import { main } from './lib/run.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt({ force: true });
});
