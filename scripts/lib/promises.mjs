// Which test proves which promise, and which shows that a defect is not here, read from the titles of the
// tests: a title that holds `[W3]` or `[R3, D12]` cites those ids. Used by the gate
// (test/checks/promises.test.ts), by docs/guarantees.md and by docs/prior-art-defects.md.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import ts from 'typescript';
import { listFiles } from './tree.mjs';

const CITATION = /\s*\[([A-Z]\d+(?:\s*,\s*[A-Z]\d+)*)\]/g;
const PROMISE_ID = /\b[A-Z]\d+\b/g;
const DECLARING = new Set(['it', 'test', 'describe']);
// What does not run, or is expected to fail, proves nothing.
const NOT_PROVING = new Set(['skip', 'todo', 'fails']);

/**
 * @typedef {{ file: string, title: string, ids: string[], proves: boolean }} Citation
 * `title` is the whole path of titles; `proves` is false for what is skipped, to do, expected to fail, or
 * holds no test.
 */

/**
 * All citing tests under `testDir`.
 * @param {string} testDir
 * @returns {Promise<Citation[]>}
 */
export async function readCitations(testDir) {
  return (await readTests(testDir)).filter(({ ids }) => ids.length > 0);
}

/**
 * All tests under `testDir`, and what groups them. Suites, which test files call, count when something
 * imports them.
 * @param {string} testDir
 * @returns {Promise<Citation[]>}
 */
export async function readTests(testDir) {
  const names = (await listFiles(testDir)).filter(
    (name) => name.endsWith('.ts') && !name.startsWith(path.join('checks', 'fixtures')),
  );
  const sources = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(path.join(testDir, name), 'utf8') })),
  );
  return sources
    .filter(({ name }) => name.endsWith('.test.ts') || isImported(name, sources))
    .flatMap(({ name, text }) => testsOf(`test/${name.split(path.sep).join('/')}`, text));
}

function isImported(name, sources) {
  const specifier = `/${path.basename(name, '.ts')}.js'`;
  return sources.some(({ text }) => text.includes(specifier));
}

/**
 * The citations of one file.
 * @param {string} file
 * @param {string} text
 * @returns {Citation[]}
 */
export function citationsOf(file, text) {
  return testsOf(file, text).filter(({ ids }) => ids.length > 0);
}

/** A title as people read it: without the ids that it cites. */
export function plainTitle(title) {
  return title.replaceAll(CITATION, '').trim();
}

function testsOf(file, text) {
  const found = [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TS);
  visit(source, { titles: [], live: true });
  return found;

  function visit(node, outer) {
    const declared = declarationOf(node);
    if (declared === undefined) {
      ts.forEachChild(node, (child) => visit(child, outer));
      return;
    }
    const titles = [...outer.titles, declared.title];
    const live = outer.live && !declared.modifiers.some((name) => NOT_PROVING.has(name));
    const ids = idsIn(declared.title);
    const proves = live && (declared.kind !== 'describe' || holdsLiveTest(node));
    found.push({ file, title: titles.join(' > '), ids, proves });
    ts.forEachChild(node, (child) => visit(child, { titles, live }));
  }
}

function idsIn(title) {
  return [...title.matchAll(CITATION)].flatMap((match) => match[1].split(/\s*,\s*/));
}

/** Kind, modifiers and title of a call such as `it('…')`, `it.skip('…')` or `it.each(table)('…')`. */
function declarationOf(node) {
  if (!ts.isCallExpression(node)) return undefined;
  const title = titleOf(node.arguments[0]);
  if (title === undefined) return undefined;
  const modifiers = [];
  let callee = node.expression;
  while (!ts.isIdentifier(callee)) {
    if (ts.isPropertyAccessExpression(callee)) {
      modifiers.push(callee.name.text);
      callee = callee.expression;
    } else if (ts.isCallExpression(callee)) callee = callee.expression;
    else if (ts.isTaggedTemplateExpression(callee)) callee = callee.tag;
    else return undefined;
  }
  return DECLARING.has(callee.text) ? { kind: callee.text, modifiers, title } : undefined;
}

function titleOf(argument) {
  if (argument === undefined) return undefined;
  if (ts.isStringLiteralLike(argument)) return argument.text;
  if (!ts.isTemplateExpression(argument)) return undefined;
  const spans = argument.templateSpans.map((span) => `…${span.literal.text}`);
  return argument.head.text + spans.join('');
}

function holdsLiveTest(node) {
  let held = false;
  const look = (child) => {
    const declared = declarationOf(child);
    if (declared?.modifiers.some((name) => NOT_PROVING.has(name))) return;
    if (declared !== undefined && declared.kind !== 'describe') held = true;
    ts.forEachChild(child, look);
  };
  ts.forEachChild(node, look);
  return held;
}

/**
 * What the gate has against the lists of promises and defects and the citations: one sentence each.
 * @param {readonly { id: string, sentence: string, when: string }[]} promises
 * @param {readonly Citation[]} citations
 * @param {readonly { id: string, sentence: string, how: string, reason?: string }[]} defects
 * @returns {string[]}
 */
export function complaints(promises, citations, defects = []) {
  const all = [...promises, ...defects];
  const known = new Set(all.map(({ id }) => id));
  const proven = new Set(citations.filter(({ proves }) => proves).flatMap(({ ids }) => ids));
  const unproven = promises
    .filter(({ id, when }) => when === 'now' && !proven.has(id))
    .map(({ id, sentence }) => `no test proves ${id}: ${sentence}`);
  const unknown = citations.flatMap(({ file, title, ids }) =>
    ids
      .filter((id) => !known.has(id))
      .map((id) => `${file} cites ${id}, which is neither a promise nor a defect: ${title}`),
  );
  const doubled = all
    .filter(({ id }, index) => all.findIndex((other) => other.id === id) !== index)
    .map(({ id }) => `${id} stands in the list twice`);
  const promised = new Set(promises.map(({ id }) => id));
  const wrong = defects.flatMap((defect) => aboutDefect(defect, proven, promised));
  return [...unproven, ...unknown, ...doubled, ...wrong];
}

function aboutDefect({ id, sentence, how, reason }, proven, promised) {
  const found = [];
  if (reason === undefined && !proven.has(id))
    found.push(`neither a test nor a reason shows that ${id} is not here: ${sentence}`);
  if (reason !== undefined && proven.has(id))
    found.push(`${id} has tests, and a reason why it needs none`);
  for (const [named] of `${how} ${reason ?? ''}`.matchAll(PROMISE_ID))
    if (!promised.has(named)) found.push(`${id} points to ${named}, which is no promise`);
  return found;
}
