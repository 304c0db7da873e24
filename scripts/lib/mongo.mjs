// A MongoDB for the tests that need one: MONGODB_URL, else mongod from the PATH, else a server in Java that
// Maven builds into a cache of this project.
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { firstWorking, once } from './once.mjs';
import { ROOT, mustRun, say } from './run.mjs';
import { withSetupLock } from './setup-lock.mjs';

const SOURCES = path.join(ROOT, 'test', 'support', 'mongo-java');
const FILES = ['pom.xml', 'Launcher.java', 'DurableBackend.java'];
const CACHE = path.join(ROOT, 'node_modules', '.cache', 'switchboard', 'mongo-java');
// A server for tests lives for seconds: quick to start is better than quick in the end.
const JVM = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx512m'];
const OLDEST_JAVA = 17;

/**
 * @typedef {{ url: string } | { mongod: string } | { java: readonly string[] } | { missing: string }} FoundMongo
 * The address of one that runs; the program; the command line that takes a file and a port; or why there is none.
 */

/** @returns {Promise<FoundMongo>} */
export async function ensureMongo() {
  if (process.env.MONGODB_URL) return { url: process.env.MONGODB_URL };
  const mongod = await firstWorking(['mongod'], ['--version']);
  if (mongod.command !== undefined) return { mongod: mongod.command };
  const without = await missingForJava();
  if (without !== undefined) {
    const all = `MONGODB_URL, mongod, or a JDK ${OLDEST_JAVA} and Maven on the PATH`;
    return { missing: `a MongoDB is needed (${all}): ${without}` };
  }
  await withSetupLock(build);
  const classPath = [path.join(CACHE, 'classes'), path.join(CACHE, 'lib', '*')];
  return { java: ['java', ...JVM, '-cp', classPath.join(path.delimiter), 'Launcher'] };
}

async function missingForJava() {
  const javac = await firstWorking(['javac'], ['--version']);
  if (javac.command === undefined) return javac.why;
  const [version = '0'] = /\d+/.exec(javac.version) ?? [];
  if (Number(version) < OLDEST_JAVA) return `this is Java ${version}`;
  return (await firstWorking(['mvn'], ['--version'])).why;
}

async function build() {
  const inputs = FILES.map((file) => path.join(SOURCES, file));
  await once(path.join(CACHE, '.made-from'), inputs, '', async () => {
    say('building a MongoDB for tests (mongo-java-server) with Maven, once: less than a minute …');
    await rm(CACHE, { recursive: true, force: true });
    const goals = ['compiler:compile', 'dependency:copy-dependencies'];
    const args = ['-B', '-q', '-f', path.join(SOURCES, 'pom.xml'), `-Dto=${CACHE}`, ...goals];
    await mustRun('mvn', args, { stdio: ['ignore', 2, 2] });
  });
}
