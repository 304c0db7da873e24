import { APP_VIEW } from '../../domain/view.js';
import { isClientError } from '../client-error.js';
import type { KnownServer, ServerView } from '../server-view.js';
import type { Scope } from './scope.js';

/**
 * Connects the shared servers whose spec says `startup`, in the background, a few at a
 * time. Failures are told as events; their back-off decides when another try is made.
 */
export async function connectStartupServers(view: ServerView, app: Scope): Promise<void> {
  const names = appServers(view)
    .filter(({ spec, scope }) => spec.startup && spec.enabled && scope === 'shared')
    .map((server) => server.name)
    .filter((name) => app.loaded(name) === undefined);
  await app.getMany(names);
}

/** What the app view holds; nothing while it is unknown. */
function appServers(view: ServerView): readonly KnownServer[] {
  try {
    return view.list(APP_VIEW);
  } catch (error) {
    if (isClientError(error, 'VIEW_UNKNOWN')) return [];
    throw error;
  }
}
