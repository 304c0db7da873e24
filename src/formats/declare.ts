import type { Declaration } from '../domain/server.js';
import type { ServerSpec } from '../domain/config/spec.js';
import { isSwitchboardError } from '../domain/errors.js';
import type { Tier } from '../domain/tier.js';
import { validateDeclaration } from '../domain/validate.js';
import { type Entry, fail, fieldPlaces, origin, placeAt } from './entry.js';
import type { Problem, ReadServer } from './format.js';
import { placeOf } from './format.js';

/** What an entry declares, before the rules of the domain were asked. */
export interface Declared {
  readonly name: string;
  readonly externalId: string;
  readonly tier?: Tier | undefined;
  readonly owner?: string | undefined;
  readonly spec: ServerSpec;
}

/**
 * The server that `entry` declares. Undefined, and every violation told with its place, if
 * the rules of the domain refuse it. One without a tier is held against those of USER,
 * which allow whatever a shared tier allows.
 */
export function declare(entry: Entry, declared: Declared): ReadServer | undefined {
  if (entry.problems.length > 0) return undefined;
  const { name, externalId, tier, owner } = declared;
  const spec = {
    ...declared.spec,
    annotations: { ...declared.spec.annotations, ...entry.annotations },
  };
  if (!entry.origins.has('name')) origin(entry, 'name', []);
  if (!entry.origins.has('external_id')) origin(entry, 'external_id', []);
  const server: ReadServer = {
    name,
    ...(tier === undefined ? {} : { tier }),
    ...(owner === undefined ? {} : { owner }),
    ...(externalId === '' ? {} : { externalId }),
    spec,
    place: { ...placeAt(entry, []), fields: fieldPlaces(entry) },
  };
  const problems = violations({ ...server, tier: tier ?? 'USER', externalId, set: '' }).map(
    ({ field, description }): Problem => ({
      ...(entry.server === undefined ? {} : { server: entry.server }),
      ...placeOf(server, field),
      message: description,
    }),
  );
  entry.problems.push(...problems);
  return problems.length > 0 ? undefined : server;
}

function violations(declaration: Declaration) {
  try {
    validateDeclaration(declaration, 'server');
    return [];
  } catch (error) {
    if (isSwitchboardError(error, 'INVALID_FIELD')) return error.violations;
    throw error;
  }
}

/** Tells that `name` is taken by another server of the file. */
export function failTaken(entry: Entry, name: string, by: string): void {
  fail(entry, [], `would be named ${name}, like ${by}`);
}
