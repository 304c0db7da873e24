import { readdirSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { messageSightings } from './messages.js';

const root = path.resolve(import.meta.dirname, '../..');

function sightingsIn(folder: string, mayKnow: (file: string) => boolean): readonly string[] {
  const { config } = ts.readConfigFile(path.join(root, 'tsconfig.base.json'), ts.sys.readFile) as {
    config: { compilerOptions: object };
  };
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const files = readdirSync(path.join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join('src', file.replaceAll('\\', '/')));
  return messageSightings({ root: folder, options: { ...options, noEmit: true }, files }, mayKnow);
}

describe('generated messages', () => {
  it('are known in src/wire and in the handlers of the server only', () => {
    const mayKnow = (file: string): boolean => /^src\/(wire|server\/handlers)\//.test(file);
    expect(sightingsIn(root, mayKnow)).toEqual([]);
  });

  it('are found where a type is inferred, also within a promise or a list', () => {
    const folder = path.join(import.meta.dirname, 'fixtures/messages');
    const found = sightingsIn(folder, (file) => file.startsWith('src/wire/'));
    expect(found).toContain('src/cli/get.ts:5 knows Server');
    expect(found).toContain('src/cli/list.ts:4 knows Server');
    expect(found.filter((line) => line.startsWith('src/cli/plain.ts'))).toEqual([]);
  });
});
