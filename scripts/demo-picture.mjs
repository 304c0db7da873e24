// npm run demo:picture: runs the demo and draws what it printed, from one chapter to another, as docs/demo.svg.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ROOT, main, say } from './lib/run.mjs';
import { ensureBuilt, ensureInstalled } from './lib/setup.mjs';

const FIRST_CHAPTER = 'Ana begins a long call';
const AFTER_LAST_CHAPTER = 'What the nodes have counted';
const PICTURE = 'docs/demo.svg';
const FONT_SIZE = 13;
const LINE_HEIGHT = 18;
const CHARACTER_WIDTH = 7.82;
const MARGIN = 20;
const MAX_COLUMNS = 118;

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
  const text = await outputOf(path.join(ROOT, 'dist/examples/demo/main.js'));
  const lines = text.split('\n');
  const chapter = (title) => lines.findIndex((line) => line.startsWith(title));
  const shown = lines.slice(chapter(FIRST_CHAPTER), chapter(AFTER_LAST_CHAPTER) - 1);
  await writeFile(path.join(ROOT, PICTURE), draw(shown));
  say(`wrote ${PICTURE}`);
});

async function outputOf(program) {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
    process.stdout.write(chunk);
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`the demo ended with ${code}; the picture stays as it is`);
  return text;
}

function draw(lines) {
  const width = Math.round(MAX_COLUMNS * CHARACTER_WIDTH + 2 * MARGIN);
  const height = lines.length * LINE_HEIGHT + 2 * MARGIN;
  const rows = lines.map((line, index) => {
    const y = MARGIN + (index + 1) * LINE_HEIGHT - 5;
    const color = line.startsWith('  yes')
      ? '#7ee787'
      : line.startsWith('    |')
        ? '#a5b4c5'
        : '#f0f6fc';
    const cut = line.length > MAX_COLUMNS ? `${line.slice(0, MAX_COLUMNS - 1)}…` : line;
    return `<text x="${MARGIN}" y="${y}" fill="${color}">${escaped(cut)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Output of npm run demo">
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="${FONT_SIZE}" xml:space="preserve">
${rows.join('\n')}
</g>
</svg>
`;
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
