import { APP_VIEW } from '../../domain/view.js';
import { isClientError } from '../client-error.js';
import type { KnownServer, ServerView } from '../server-view.js';
import type { Scope } from './scope.js';

/**
 * Answers a function that connects the shared servers whose spec says `startup`, in the
 * background, a few at a time. Each config is connected once: what is lost or evicted
 * later is connected again by who needs it. Failures are told as events, and tried again
 * with the next call as their back-off allows.
 */
export function createStartup(view: ServerView, app: Scope): () => Promise<void> {
  const done = new Map<string, string>();
  return async () => {
    const wanted = appServers(view).filter(
      ({ id, configHash, scope, spec }) =>
        spec.startup && spec.enabled && scope === 'shared' && done.get(id) !== configHash,
    );
    const outcomes = await app.getMany(wanted.map((server) => server.name));
    for (const { connection } of outcomes) {
      if (connection !== undefined) done.set(connection.serverId, connection.configHash);
    }
  };
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
