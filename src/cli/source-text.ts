import type { SourceServers, SourceStatus } from '../domain/source-record.js';
import type { RemovedServers } from '../wire/client/source.js';
import { counted, printable, table } from './text.js';

/** The private source of a tenant, for people. */
export function sourceText(source: SourceStatus): string {
  const { record, configuredName } = source;
  const { name, namespace, formerNames = [] } = record ?? {};
  const rows = [
    ['Source', name ?? 'none: nothing was ever loaded'],
    ['State', stateText(source)],
    ['First name', namespace === name ? '' : namespace],
    ['Former names', formerNames.join(', ')],
    ['This replica', configuredName === '' ? 'configured with none' : configuredName],
  ];
  return table(
    rows
      .filter(([, value]) => value !== '')
      .map(([label = '', value = '']) => [`${label}:`, printable(value)]),
  );
}

function stateText({ record, configuredName }: SourceStatus): string {
  switch (record?.state) {
    case 'active':
      return configuredName === record.name
        ? 'loaded from'
        : 'loaded from, but not by this replica: it is configured with another name';
    case 'removing':
      return `being removed; run \`switchboard source remove ${record.name}\` again to complete it`;
    case 'removed':
      return 'removed; a source with a name that is new to the tenant can replace it';
    case undefined:
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
  { deletedCount, keptCount }: RemovedServers,
): string {
  const fate =
    servers === 'drop'
      ? `${counted(deletedCount, 'server')} will be deleted`
      : `${counted(keptCount, 'server')} will stay, and can be changed by hand`;
  return lines(name, [fate, 'nothing will be loaded from it any more']);
}

/** What a removal did. */
export function removedText({ deletedCount, keptCount }: RemovedServers): string {
  const deleted = `${counted(deletedCount, 'server')} deleted`;
  return `Removed: ${deleted}, ${counted(keptCount, 'server')} kept.\n`;
}

function lines(title: string, facts: readonly string[]): string {
  return [title, ...facts.map((fact) => `  ${fact}`)]
    .map((line) => `${printable(line)}\n`)
    .join('');
}
