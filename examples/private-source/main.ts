// Serves the private servers of users from a MongoDB collection, for Switchboard to load. README.md has the rest.
import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  type handleServerStreamingCall,
  loadPackageDefinition,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type ServiceDefinition,
  status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { type Filter, MongoClient, MongoError, ObjectId } from 'mongodb';
import { type Row, type SourceServer, toSourceServer } from './translate.js';

const HELP = `Usage: node dist/examples/private-source/main.js [options]

Serves switchboard.source.v1.PrivateSourceService from a MongoDB collection.

  --listen <host:port>   where to listen (default 127.0.0.1:7171; port 0 for any)
  --database <name>      the database (default LibreChat)
  --collection <name>    the collection (default mcpservers)
  --tenant <id>          the tenant at Switchboard whose servers these are (default default)
  --help                 print this

Environment:
  MONGODB_URL    the database server (default mongodb://127.0.0.1:27017)
  SOURCE_TOKEN   if set, only calls with "authorization: Bearer <it>" are answered
`;

interface Request {
  readonly tenant: string;
  readonly user: string;
}
interface Response {
  readonly servers: readonly SourceServer[];
}
type Call = ServerWritableStream<Request, Response>;

/** A call that is answered with an error of its own. */
class Refused extends Error {
  readonly code: status;

  constructor(code: status, message: string) {
    super(message);
    this.code = code;
  }
}

const MESSAGE_SERVERS = 100;
const MESSAGE_BYTES = 1024 * 1024;
const STOP_MS = 5_000;

const { values: options } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.0.0.1:7171' },
    database: { type: 'string', default: 'LibreChat' },
    collection: { type: 'string', default: 'mcpservers' },
    tenant: { type: 'string', default: 'default' },
    help: { type: 'boolean', default: false },
  },
});
const token = process.env['SOURCE_TOKEN'] ?? '';
const client = new MongoClient(process.env['MONGODB_URL'] ?? 'mongodb://127.0.0.1:27017', {
  // A load that fails is tried again: better soon than late.
  serverSelectionTimeoutMS: 2_000,
});
const rows = client.db(options.database).collection<Row>(options.collection);

// Only these can read in a snapshot; a single server has no history.
let hasSnapshots = false;
client.on('topologyDescriptionChanged', ({ newDescription: { type } }) => {
  hasSnapshots = type !== 'Single' && type !== 'Unknown';
});

if (options.help) process.stdout.write(HELP);
else await serve();

async function serve(): Promise<void> {
  const isLocal = /^(127\.0\.0\.1|localhost|\[::1\]):/.test(options.listen);
  if (token === '' && !isLocal) throw new Error('other hosts may ask only with a SOURCE_TOKEN');
  const server = new Server();
  server.addService(serviceDefinition(), {
    listPrivateServers: ((call) => void list(call)) as handleServerStreamingCall<Request, Response>,
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(options.listen, ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  console.log(`listens on ${options.listen.replace(/:\d+$/, '')}:${String(port)}`);
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
  // Calls that are under way may end, but not take forever.
  const force = setTimeout(() => {
    server.forceShutdown();
  }, STOP_MS);
  await new Promise((resolve) => {
    server.tryShutdown(resolve);
  });
  clearTimeout(force);
  await client.close();
}

/** From the .proto files that come with Switchboard. */
function serviceDefinition(): ServiceDefinition {
  const protos = fileURLToPath(new URL('proto', import.meta.resolve('switchboard/package.json')));
  const file = 'switchboard/source/v1/private_source_service.proto';
  // With defaults, so that a user who is not named is the empty text and not undefined.
  const loaded = loadSync(file, { includeDirs: [protos], defaults: true });
  const { switchboard } = loadPackageDefinition(loaded);
  const { source } = switchboard as unknown as {
    source: { v1: { PrivateSourceService: { service: ServiceDefinition } } };
  };
  return source.v1.PrivateSourceService.service;
}

async function list(call: Call): Promise<void> {
  const stopped = new AbortController();
  call.once('cancelled', () => {
    stopped.abort();
  });
  const { signal } = stopped;
  try {
    check(call);
    for await (const servers of inMessages(rowsOf(call.request.user, signal))) {
      if (!call.write({ servers })) await once(call, 'drain', { signal });
    }
    call.end();
  } catch (error) {
    // The stream then ends with this status: Switchboard takes nothing of what was sent, and tries again.
    if (!signal.aborted) call.emit('error', statusOf(error));
  }
}

function check({ metadata, request }: Call): void {
  const digest = (secret: string): Buffer => createHash('sha256').update(secret).digest();
  const given = String(metadata.get('authorization')[0]);
  // In constant time: how long it takes tells nothing about the token.
  if (token !== '' && !timingSafeEqual(digest(given), digest(`Bearer ${token}`)))
    throw new Refused(status.UNAUTHENTICATED, 'The bearer token is missing or wrong.');
  // Never an empty answer here: it would mean that all servers of the user are gone.
  if (request.tenant !== options.tenant)
    throw new Refused(status.NOT_FOUND, `This source serves the tenant ${options.tenant} only.`);
  if (request.user === '') throw new Refused(status.INVALID_ARGUMENT, 'user: is required.');
}

function statusOf(error: unknown): { readonly code: status; readonly details: string } {
  if (error instanceof Refused) return { code: error.code, details: error.message };
  console.error(error);
  if (error instanceof MongoError)
    return { code: status.UNAVAILABLE, details: 'The database cannot be asked.' };
  return { code: status.INTERNAL, details: 'The servers cannot be told: see the log.' };
}

/** One query, of one moment wherever the database can tell one. */
async function* rowsOf(user: string, signal: AbortSignal): AsyncGenerator<Row> {
  await client.connect();
  const session = hasSnapshots ? client.startSession({ snapshot: true }) : undefined;
  // An id that looks like an ObjectId may be kept as one.
  const ids = /^[0-9a-f]{24}$/.test(user) ? [user, new ObjectId(user)] : [user];
  const filter = { $or: [{ author: { $in: ids } }, { allowedUsers: { $in: ids } }] };
  const fields = { serverName: 1, author: 1, config: 1 };
  try {
    yield* rows
      .find<Row>(filter as Filter<Row>, {
        signal,
        batchSize: MESSAGE_SERVERS,
        ...(session && { session }),
      })
      .project<Row>(fields)
      .sort({ _id: 1 });
  } finally {
    await session?.endSession();
  }
}

async function* inMessages(found: AsyncIterable<Row>): AsyncGenerator<readonly SourceServer[]> {
  let servers: SourceServer[] = [];
  let bytes = 0;
  for await (const row of found) {
    const server = toSourceServer(row);
    servers.push(server);
    bytes += Buffer.byteLength(JSON.stringify(server));
    if (servers.length < MESSAGE_SERVERS && bytes < MESSAGE_BYTES) continue;
    yield servers;
    [servers, bytes] = [[], 0];
  }
  if (servers.length > 0) yield servers;
}
