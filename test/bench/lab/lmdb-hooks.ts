import type { ResolveHook } from 'node:module';

const COUNTING = new URL('./counting-lmdb.js', import.meta.url).href;

/** Puts `counting-lmdb` in the place of `lmdb`, for everyone but itself. */
export const resolve: ResolveHook = (specifier, context, next) =>
  specifier === 'lmdb' && context.parentURL !== COUNTING
    ? { url: COUNTING, shortCircuit: true }
    : next(specifier, context);
