import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { houseRules, testRelaxations } from './scripts/lib/eslint-rules.mjs';

export default defineConfig(
  globalIgnores(['dist/', '.dist-*/', 'generated/', 'coverage/', 'test/checks/fixtures/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: houseRules,
  },
  {
    // The only place that reads the environment: everything else is told its options.
    files: ['src/server/options.ts'],
    rules: { 'no-restricted-properties': 'off' },
  },
  { files: ['test/**/*.ts', 'examples/**/*.ts'], rules: testRelaxations },
  {
    // vitest reads its default export.
    files: ['vitest.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', module: 'writable', Buffer: 'readonly' },
    },
  },
);
