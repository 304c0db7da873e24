import type { ReaderView } from '../../domain/view.js';
import { ClientError } from '../client-error.js';
import type { KnownServer } from '../server-view.js';
import type { GetOptions } from './connection.js';
import { SHARED, type Identity } from './slot.js';

/** Whose connection serves `view`. Throws VALUE_MISSING without the user or conversation it needs. */
export function identityOf(server: KnownServer, view: ReaderView, options: GetOptions): Identity {
  if (server.scope === 'shared') return SHARED;
  const user = view.kind === 'user' ? { user: view.user } : SHARED;
  if (server.scope === 'user') {
    if (user === SHARED) throw missing(server, 'user');
    return user;
  }
  const conversationId = requestValuesOf(options)['conversation_id'];
  if (conversationId === undefined) throw missing(server, '${request:conversation_id}');
  return { ...user, conversationId };
}

/** The values of `${request:X}`: what was given, and the conversation. */
export function requestValuesOf(options: GetOptions): Readonly<Record<string, string>> {
  const { request = {}, conversationId } = options;
  return conversationId === undefined ? request : { ...request, conversation_id: conversationId };
}

function missing(server: KnownServer, placeholder: string): ClientError {
  const metadata = { server: server.name, placeholder };
  return new ClientError('VALUE_MISSING', `${server.name}: needs ${placeholder}`, { metadata });
}
