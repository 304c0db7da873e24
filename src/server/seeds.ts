import { readFileSync } from 'node:fs';
import { impliedTier } from '../domain/commands/apply.js';
import { isSwitchboardError } from '../domain/errors.js';
import type { Declaration } from '../domain/server.js';
import { normalName } from '../domain/text-form.js';
import type { ReadServer } from '../formats/format.js';
import { readServers } from '../formats/read-servers.js';
import { firstProblem } from './file-problem.js';
import { messageOf, StartError } from './start-error.js';

/** How many servers of a file were created, and how many had their name taken already. */
export interface SeedCounts {
  readonly created: number;
  readonly present: number;
}

/**
 * Reads a file of servers in our own format, YAML or JSON. One without a tier gets the one
 * that follows from its spec. Throws a StartError that names the file and the place.
 */
export function readSeeds(file: string): readonly Declaration[] {
  const { servers, problems } = readServers(readText(file), { file, format: 'switchboard' });
  const problem = firstProblem(problems);
  if (problem !== undefined) throw seedError(file, problem);
  return servers.map(toDeclaration);
}

/**
 * Creates each server of the file through `create`, in order, unless its name is taken.
 * Throws a StartError if one is refused.
 */
export async function createSeeds(
  file: string,
  create: (declared: Declaration) => Promise<unknown>,
): Promise<SeedCounts> {
  const counts = { created: 0, present: 0 };
  for (const declared of readSeeds(file)) {
    try {
      await create(declared);
      counts.created += 1;
    } catch (error) {
      if (isSwitchboardError(error, 'NAME_TAKEN')) counts.present += 1;
      else if (isSwitchboardError(error))
        throw seedError(file, `${declared.name}: ${error.message}`);
      else throw error;
    }
  }
  return counts;
}

function toDeclaration({ name, externalId = '', tier, owner, spec }: ReadServer): Declaration {
  const declared = {
    name: normalName(name),
    externalId,
    spec,
    ...(owner === undefined ? {} : { owner }),
  };
  return { ...declared, tier: tier ?? impliedTier(declared), set: '' };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw seedError(file, messageOf(error));
  }
}

function seedError(file: string, what: string): StartError {
  return new StartError(`--seed ${file}: ${what}`);
}
