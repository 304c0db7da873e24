import { LMDB_CAPABILITIES } from '../../src/storage/catalog/lmdb/open-lmdb-catalog.js';
import { createLmdbHarness } from '../support/storage/lmdb.js';
import { describeCatalog } from './catalog.suite.js';

describeCatalog('LMDB', { create: createLmdbHarness, capabilities: LMDB_CAPABILITIES });
