import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isSwitchboardError } from '../domain/errors.js';
import { serverFromJson, type ServerMessage } from '../wire/json.js';
import { messageOf, StartError } from './start-error.js';

const seedFile = z.strictObject({
  servers: z.array(
    z.strictObject({
      name: z.string().min(1),
      externalId: z.string().optional(),
      tier: z.enum(['APP', 'USER', 'PRIVATE']),
      owner: z.string().optional(),
      /** Proto JSON of switchboard.v1.ServerSpec. */
      spec: z.record(z.string(), z.json()),
    }),
  ),
});

/** How many servers of a file were created, and how many had their name taken already. */
export interface SeedCounts {
  readonly created: number;
  readonly present: number;
}

/**
 * Reads a file of servers: `{"servers": [{"name", "tier", "owner"?, "externalId"?, "spec"}]}`,
 * the spec as proto JSON. Throws a StartError that names the file and the place.
 */
export function readSeeds(file: string): readonly ServerMessage[] {
  const parsed = seedFile.safeParse(readJson(file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw seedError(file, `${pathOf(issue?.path ?? [])}: ${issue?.message ?? 'not valid'}`);
  }
  return parsed.data.servers.map(({ name, externalId, tier, owner, spec }, index) => {
    try {
      return serverFromJson({
        name,
        ...(externalId !== undefined && { externalId }),
        tier: `TIER_${tier}`,
        ...(owner !== undefined && { owner }),
        spec,
      });
    } catch (error) {
      throw seedError(file, `servers[${index}] (${name}): ${messageOf(error)}`);
    }
  });
}

/**
 * Creates each server of the file through `create`, in order, unless its name is taken.
 * Throws a StartError if one is refused.
 */
export async function createSeeds(
  file: string,
  create: (server: ServerMessage) => Promise<unknown>,
): Promise<SeedCounts> {
  const counts = { created: 0, present: 0 };
  for (const server of readSeeds(file)) {
    try {
      await create(server);
      counts.created += 1;
    } catch (error) {
      if (isSwitchboardError(error, 'NAME_TAKEN')) counts.present += 1;
      else if (isSwitchboardError(error)) throw seedError(file, `${server.name}: ${error.message}`);
      else throw error;
    }
  }
  return counts;
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw seedError(
      file,
      error instanceof SyntaxError ? `not JSON: ${error.message}` : messageOf(error),
    );
  }
}

function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((step, index) =>
      typeof step === 'number' ? `[${step}]` : `${index === 0 ? '' : '.'}${String(step)}`,
    )
    .join('');
}

function seedError(file: string, what: string): StartError {
  return new StartError(`--seed ${file}: ${what}`);
}
