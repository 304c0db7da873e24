import type { Attack } from '../attack.js';
import { CONNECTION_ATTACKS } from './connections.js';
import { CREDENTIAL_ATTACKS } from './credentials.js';
import { FIELD_ATTACKS } from './fields.js';
import { FILE_ATTACKS } from './files.js';
import { HTTP_SERVER_ATTACKS } from './http-servers.js';
import { HTTP2_ATTACKS } from './http2.js';
import { INSPECTION_ATTACKS } from './inspections.js';
import { MESSAGE_ATTACKS } from './messages.js';
import { NODE_STREAM_ATTACKS } from './node-streams.js';
import { PRIVATE_SERVER_ATTACKS } from './private-servers.js';
import { PROCESS_ATTACKS } from './processes.js';
import { REQUEST_ATTACKS } from './requests.js';
import { START_ATTACKS } from './starts.js';
import { TOKEN_ATTACKS } from './tokens.js';

/** All attacks, in the order in which they are run and shown. */
export const ATTACKS: readonly Attack[] = [
  ...REQUEST_ATTACKS,
  ...FIELD_ATTACKS,
  ...MESSAGE_ATTACKS,
  ...TOKEN_ATTACKS,
  ...CONNECTION_ATTACKS,
  ...HTTP2_ATTACKS,
  ...NODE_STREAM_ATTACKS,
  ...INSPECTION_ATTACKS,
  ...PRIVATE_SERVER_ATTACKS,
  ...START_ATTACKS,
  ...HTTP_SERVER_ATTACKS,
  ...CREDENTIAL_ATTACKS,
  ...PROCESS_ATTACKS,
  ...FILE_ATTACKS,
];
