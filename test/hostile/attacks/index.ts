import type { Attack } from '../attack.js';
import { CONNECTION_ATTACKS } from './connections.js';
import { HTTP_SERVER_ATTACKS } from './http-servers.js';
import { HTTP2_ATTACKS } from './http2.js';
import { MESSAGE_ATTACKS } from './messages.js';
import { NODE_STREAM_ATTACKS } from './node-streams.js';
import { REQUEST_ATTACKS } from './requests.js';

/** All attacks, in the order in which they are run and shown. */
export const ATTACKS: readonly Attack[] = [
  ...REQUEST_ATTACKS,
  ...CONNECTION_ATTACKS,
  ...NODE_STREAM_ATTACKS,
  ...HTTP2_ATTACKS,
  ...MESSAGE_ATTACKS,
  ...HTTP_SERVER_ATTACKS,
];
