// Which pages are generated, and from what. Used by `npm run docs` and by test/checks/docs.test.ts.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { withLayers } from './docs-layers.mjs';
import { withPart } from './docs-parts.mjs';
import {
  renderConfiguration,
  renderConnectionFields,
  renderDefects,
  renderErrors,
  renderFieldLimits,
  renderGuarantees,
  renderMethodLimits,
} from './docs-tables.mjs';
import { readCitations } from './promises.mjs';
import { ROOT } from './run.mjs';

/**
 * @typedef {(module: string) => Promise<Record<string, any>>} Load
 * Imports a module of the project, named without its ending: `src/domain/errors`. A test reads the
 * sources, the script what was built.
 */

/** @type {readonly { file: string, render: (load: Load) => Promise<string> }[]} */
export const PAGES = [
  {
    file: 'docs/errors.md',
    render: async (load) => {
      const { ERROR_REASONS } = await load('src/domain/errors');
      const { GRPC_CODES } = await load('src/wire/status');
      return renderErrors(ERROR_REASONS, GRPC_CODES);
    },
  },
  {
    file: 'docs/configuration.md',
    render: async (load) => renderConfiguration((await load('src/server/options')).OPTIONS),
  },
  {
    file: 'docs/limits.md',
    render: async (load) =>
      renderFieldLimits((await load('src/wire/limits/field-limits')).FIELD_LIMITS),
  },
  {
    file: 'docs/guarantees.md',
    render: async (load) => {
      const { CHAPTERS } = await load('test/requirements');
      return renderGuarantees(CHAPTERS, await readCitations(path.join(ROOT, 'test')));
    },
  },
  {
    file: 'docs/prior-art-defects.md',
    render: async (load) => {
      const { DEFECTS } = await load('test/defects');
      return renderDefects(DEFECTS, await readCitations(path.join(ROOT, 'test')));
    },
  },
  {
    file: 'docs/architecture.md',
    render: async () => withLayers(await readPage('docs/architecture.md')),
  },
  {
    file: 'docs/config-hash.md',
    render: async (load) => {
      const { CONNECTION_FIELDS } = await load('src/domain/config/config-hash');
      const fields = renderConnectionFields(CONNECTION_FIELDS);
      return withPart(await readPage('docs/config-hash.md'), 'fields', fields);
    },
  },
  {
    file: 'docs/operations.md',
    render: async (load) => {
      const { METHOD_LIMITS } = await load('src/server/handlers/method-rules');
      const limits = renderMethodLimits(METHOD_LIMITS);
      return withPart(await readPage('docs/operations.md'), 'method-limits', limits);
    },
  },
];

function readPage(file) {
  return readFile(path.join(ROOT, file), 'utf8');
}
