// For `node --import`: from then on whoever imports lmdb has its reads counted.
import { register } from 'node:module';

register(new URL('./lmdb-hooks.js', import.meta.url));
