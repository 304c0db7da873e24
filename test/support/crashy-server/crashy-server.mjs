// A whole server that kills itself, as kill -9 would, at a named failpoint. Started by crashy-server.ts,
// which tells it over the IPC channel:
//   {"kind": "start", "argv": [...], "watchLimits": {...}}   serve; answered {"kind": "listening", "address"}
//   {"kind": "arm", "name", "after"}   die at the after-th time that the failpoint is passed from now on
// Everything is imported before `start`, so that a spare process can be kept warm.

import { setLogVerbosity, logVerbosity } from '@grpc/grpc-js';
import { createServer } from '../../../dist/src/server/create-server.js';
import { createLog } from '../../../dist/src/server/log.js';
import { parseServeOptions } from '../../../dist/src/server/options.js';

let armed = { name: '', after: 0 };

function failpoint(name) {
  if (name !== armed.name) return;
  armed.after -= 1;
  if (armed.after === 0) process.kill(process.pid, 'SIGKILL');
}

async function start({ argv, watchLimits }) {
  setLogVerbosity(logVerbosity.NONE);
  const options = parseServeOptions(argv, {});
  const log = createLog(options.logLevel);
  const server = await createServer(options, { log, failpoint, watchLimits });
  process.send({ kind: 'listening', address: server.address });
}

process.on('message', (message) => {
  if (message.kind === 'arm') armed = { name: message.name, after: message.after };
  else void start(message);
});
// Whoever started it is gone, or wants it no more.
process.on('disconnect', () => process.exit(0));
