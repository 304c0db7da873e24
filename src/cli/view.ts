import type { Command } from 'commander';
import { APP_VIEW, INVENTORY_VIEW, userView, type View } from '../domain/view.js';
import type { Flags } from './connection.js';
import { UsageError } from './failure.js';

/** Gives a command the flags that say who is looking. */
export function withViewFlags(command: Command): Command {
  return command
    .option('--user <id>', 'the view of this user')
    .option('--group <id>', 'a group of the user; repeatable', collect)
    .option('--app', 'the view of the application itself')
    .option('--inventory', 'all records, for administrators');
}

/**
 * The view that the flags name; without any, `fallback`. Throws a UsageError if there is no
 * fallback, or if they name several: for whom is never guessed.
 */
export function viewOf(flags: Flags, fallback?: View): View {
  const user = flags['user'] as string | undefined;
  const groups = (flags['group'] as readonly string[] | undefined) ?? [];
  const named: View[] = [
    ...(user === undefined ? [] : [userView(user, groups)]),
    ...(flags['app'] === true ? [APP_VIEW] : []),
    ...(flags['inventory'] === true ? [INVENTORY_VIEW] : []),
  ];
  if (groups.length > 0 && user === undefined) throw new UsageError('--group needs --user');
  const [view = fallback, ...more] = named;
  if (view === undefined || more.length > 0) {
    throw new UsageError('a view is required: one of --user ID, --app or --inventory');
  }
  return view;
}

function collect(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
