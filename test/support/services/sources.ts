import type { SourceServers, SourceStatus } from '../../../src/domain/source-record.js';
import type { Answer } from '../../../src/services/request.js';
import type { Services } from '../../../src/services/create-services.js';
import { loadingFrom, ScriptedSource } from '../loads/scripted-source.js';
import { requestOf, type Replica, type ReplicaOptions, type World } from './world.js';

type On = Pick<Replica, 'services'>;

interface More {
  readonly requestId?: string;
  readonly validateOnly?: boolean;
}

const optionsOf = ({ requestId = '', validateOnly = false }: More) => ({
  requestId,
  validateOnly,
  reason: '',
});

/** A replica with the source that its configuration names. */
export interface SourceReplica {
  readonly replica: Replica;
  readonly source: ScriptedSource;
}

/** A replica whose configuration calls the source of every tenant `name`; all share a relay. */
export async function replicaOf(
  world: World,
  name: string,
  options: ReplicaOptions = {},
): Promise<SourceReplica> {
  const source = new ScriptedSource(name);
  const privateLoads = await loadingFrom(source);
  return {
    source,
    replica: await world.replica({ relay: world.relay, privateLoads, ...options }),
  };
}

export async function sourceOf({ services }: On): Promise<SourceStatus> {
  return (await services.getPrivateSource(requestOf())).value;
}

export function renameSource(
  { services }: On,
  name: string,
  newName: string,
  more: More = {},
): Promise<Answer<SourceStatus>> {
  return services.renamePrivateSource(requestOf(), { name, newName, ...optionsOf(more) });
}

export function removeSource(
  { services }: On,
  name: string,
  servers: SourceServers,
  more: More = {},
): ReturnType<Services['removePrivateSource']> {
  return services.removePrivateSource(requestOf(), { name, servers, ...optionsOf(more) });
}
