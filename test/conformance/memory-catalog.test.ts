import { MEMORY_CAPABILITIES } from '../../src/storage/catalog/memory/open-memory-catalog.js';
import { createMemoryHarness } from '../support/storage/memory.js';
import { describeCatalog } from './catalog.suite.js';

describeCatalog('memory', { create: createMemoryHarness, capabilities: MEMORY_CAPABILITIES });
