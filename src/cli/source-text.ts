import {
  type PrivateSource,
  type RemovePrivateSourceResponse,
  SourceServers,
  SourceState,
} from '../wire/clients.js';
import { counted, printable, table } from './text.js';

/** The private source of a tenant, for people. */
export function sourceText(source: PrivateSource): string {
  const { name, firstName, formerNames, configuredName } = source;
  const rows = [
    ['Source', name === '' ? 'none: nothing was ever loaded' : name],
    ['State', stateText(source)],
    ['First name', firstName === name ? '' : firstName],
    ['Former names', formerNames.join(', ')],
    ['This replica', configuredName === '' ? 'configured with none' : configuredName],
  ];
  return table(
    rows
      .filter(([, value]) => value !== '')
      .map(([label = '', value = '']) => [`${label}:`, printable(value)]),
  );
}

function stateText({ name, state, configuredName }: PrivateSource): string {
  switch (state) {
    case SourceState.STATE_ACTIVE:
      return configuredName === name
        ? 'loaded from'
        : 'loaded from, but not by this replica: it is configured with another name';
    case SourceState.STATE_REMOVING:
      return `being removed; run \`switchboard source remove ${name}\` again to complete it`;
    case SourceState.STATE_REMOVED:
      return 'removed; a source with a name that is new to the tenant can replace it';
    default:
      return '';
  }
}

/** What a rename does. */
export function renameText({ name, newName }: { name: string; newName: string }): string {
  return lines(`${name} -> ${newName}`, [
    'its servers keep their ids and stay loaded',
    `replicas that are configured with ${newName} will load from it, others no longer`,
  ]);
}

/** What a removal would do. */
export function removalText(
  name: string,
  servers: SourceServers,
  { deletedCount, keptCount }: RemovePrivateSourceResponse,
): string {
  const fate =
    servers === SourceServers.SERVERS_DROP
      ? `${counted(deletedCount, 'server')} will be deleted`
      : `${counted(keptCount, 'server')} will stay, and can be changed by hand`;
  return lines(name, [fate, 'nothing will be loaded from it any more']);
}

/** What a removal did. */
export function removedText({ deletedCount, keptCount }: RemovePrivateSourceResponse): string {
  const deleted = `${counted(deletedCount, 'server')} deleted`;
  return `Removed: ${deleted}, ${counted(keptCount, 'server')} kept.\n`;
}

function lines(title: string, facts: readonly string[]): string {
  return [title, ...facts.map((fact) => `  ${fact}`)]
    .map((line) => `${printable(line)}\n`)
    .join('');
}
