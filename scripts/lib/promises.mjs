// Which test proves which promise, read from the titles of the tests: a title that holds `[W3]` or
// `[R3, P12]` cites those ids. Used by the gate (test/checks/promises.test.ts) and by docs/guarantees.md.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import ts from 'typescript';
import { listFiles } from './tree.mjs';

const CITATION = /\[([A-Z]\d+(?:\s*,\s*[A-Z]\d+)*)\]/g;
const DECLARING = new Set(['it', 'test', 'describe']);
// What does not run, or is expected to fail, proves nothing.
const NOT_PROVING = new Set(['skip', 'todo', 'fails']);

/**
 * @typedef {{ file: string, title: string, ids: string[], proves: boolean }} Citation
 * `title` is the whole path of titles; `proves` is false for what is skipped, to do, expected to fail, or
 * holds no test.
 */

/**
 * All citing tests under `testDir`. Suites, which test files call, count when something imports them.
 * @param {string} testDir
 * @returns {Promise<Citation[]>}
 */
export async function readCitations(testDir) {
  const names = (await listFiles(testDir)).filter(
    (name) => name.endsWith('.ts') && !name.startsWith(path.join('checks', 'fixtures')),
  );
  const sources = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(path.join(testDir, name), 'utf8') })),
  );
  return sources
    .filter(({ name }) => name.endsWith('.test.ts') || isImported(name, sources))
    .flatMap(({ name, text }) => citationsOf(`test/${name.split(path.sep).join('/')}`, text));
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
    if (ids.length > 0) {
      const proves = live && (declared.kind !== 'describe' || holdsLiveTest(node));
      found.push({ file, title: titles.join(' > '), ids, proves });
    }
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
 * What the gate has against a list of promises and the citations: one sentence each.
 * @param {readonly { id: string, sentence: string, when: string }[]} promises
 * @param {readonly Citation[]} citations
 * @returns {string[]}
 */
export function complaints(promises, citations) {
  const known = new Set(promises.map(({ id }) => id));
  const proven = new Set(citations.filter(({ proves }) => proves).flatMap(({ ids }) => ids));
  const unproven = promises
    .filter(({ id, when }) => when === 'now' && !proven.has(id))
    .map(({ id, sentence }) => `no test proves ${id}: ${sentence}`);
  const unknown = citations.flatMap(({ file, title, ids }) =>
    ids
      .filter((id) => !known.has(id))
      .map((id) => `${file} cites ${id}, which is no promise: ${title}`),
  );
  const doubled = promises
    .filter(({ id }, index) => promises.findIndex((other) => other.id === id) !== index)
    .map(({ id }) => `${id} stands in the list twice`);
  return [...unproven, ...unknown, ...doubled];
}
