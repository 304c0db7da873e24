import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { joinValue, parseValue } from '../../../src/domain/config/value.js';
import { environmentDialect, librechatDialect } from '../../../src/formats/librechat/dialect.js';
import { mcpDialect } from '../../../src/formats/mcp-servers/dialect.js';
import { type Dialect, printValue, toNotation } from '../../../src/formats/values.js';
import { vscodeDialect } from '../../../src/formats/vscode/dialect.js';

const librechat = librechatDialect(new Set(['KEY']));
const claude = mcpDialect('claude');
const cursor = mcpDialect('cursor');
const vscode = vscodeDialect(new Map([['my-key', { name: 'my_key' }]]));

const DIALECTS = { librechat, environmentDialect, claude, cursor, vscode };

/** A text in our notation, and whether it was told as a loss or a problem. */
function read(dialect: Dialect, text: string): unknown {
  const { parts, losses, problems } = dialect.read(text);
  const told = problems.length > 0 ? 'problem' : losses.length > 0 ? 'loss' : 'quiet';
  return [toNotation(parts), told];
}

describe('a placeholder becomes a part', () => {
  it.each([
    ['librechat', '${HOME}', '${env:HOME}', 'quiet'],
    ['librechat', 'a ${A}/${B} z', 'a ${env:A}/${env:B} z', 'quiet'],
    ['librechat', '{{LIBRECHAT_USER_ID}}', '${user:id}', 'quiet'],
    ['librechat', '{{LIBRECHAT_USER_OPENIDID}}', '${user:openidId}', 'quiet'],
    ['librechat', '{{LIBRECHAT_BODY_CONVERSATIONID}}', '${request:conversation_id}', 'quiet'],
    ['librechat', '{{LIBRECHAT_BODY_PARENTMESSAGEID}}', '${request:parent_message_id}', 'quiet'],
    ['librechat', '{{LIBRECHAT_OPENID_ACCESS_TOKEN}}', '${user:openid_access_token}', 'quiet'],
    ['librechat', '{{LIBRECHAT_GRAPH_ACCESS_TOKEN}}', '${user:graph_access_token}', 'quiet'],
    ['librechat', 'Bearer {{KEY}}', 'Bearer ${var:KEY}', 'quiet'],
    ['librechat', '{{OTHER}}', '{{OTHER}}', 'loss'],
    ['librechat', '{{LIBRECHAT_USER_PASSWORD}}', '{{LIBRECHAT_USER_PASSWORD}}', 'loss'],
    ['librechat', '${env:HOME}', '$${env:HOME}', 'loss'],
    ['librechat', '${HOME:-x}', '$${HOME:-x}', 'loss'],
    ['environmentDialect', '${HOME}{{KEY}}', '${env:HOME}{{KEY}}', 'quiet'],
    ['claude', '${HOME}', '${env:HOME}', 'quiet'],
    ['claude', '${HOME:-/root}', '${env:HOME}', 'loss'],
    ['claude', '${HOME:-}', '${env:HOME}', 'loss'],
    ['claude', '$HOME ${env:HOME} ${}', '$HOME $${env:HOME} $${}', 'loss'],
    ['cursor', '${env:HOME}', '${env:HOME}', 'quiet'],
    ['cursor', '${HOME}', '$${HOME}', 'loss'],
    ['cursor', '${userHome}/a', '$${userHome}/a', 'problem'],
    ['cursor', '${workspaceFolder}', '$${workspaceFolder}', 'problem'],
    ['vscode', '${env:HOME}', '${env:HOME}', 'quiet'],
    ['vscode', '${input:my-key}', '${var:my_key}', 'quiet'],
    ['vscode', '${input:other}', '$${input:other}', 'problem'],
    ['vscode', '${workspaceFolder:a}/x', '$${workspaceFolder:a}/x', 'problem'],
    ['vscode', '${config:a.b}', '$${config:a.b}', 'problem'],
    ['vscode', '${user:id} ${secret:X} {{KEY}}', '$${user:id} $${secret:X} {{KEY}}', 'loss'],
  ] as const)('%s: %s is %s (%s)', (name, text, ours, told) => {
    expect(read(DIALECTS[name], text)).toEqual([ours, told]);
  });
});

describe('a part becomes a placeholder', () => {
  it.each([
    ['librechat', '${env:HOME}', '${HOME}'],
    ['librechat', '${user:googleId}', '{{LIBRECHAT_USER_GOOGLEID}}'],
    ['librechat', '${request:message_id}', '{{LIBRECHAT_BODY_MESSAGEID}}'],
    ['librechat', '${var:KEY}', '{{KEY}}'],
    ['librechat', '${secret:DB}', '${DB}'],
    ['librechat', '${user:shoe_size}', undefined],
    ['librechat', '${request:other}', undefined],
    ['environmentDialect', '${user:id}', undefined],
    ['claude', '${env:HOME}', '${HOME}'],
    ['claude', '${var:KEY}', '${KEY}'],
    ['claude', '${secret:a-b}', undefined],
    ['claude', '${user:id}', undefined],
    ['cursor', '${env:HOME}', '${env:HOME}'],
    ['vscode', '${var:my_key}', '${input:my-key}'],
    ['vscode', '${var:unknown}', undefined],
    ['vscode', '${request:conversation_id}', undefined],
  ] as const)('%s: %s is %s', (name, ours, text) => {
    expect(printValue(ours, DIALECTS[name])?.text).toBe(text);
  });

  it.each([
    ['librechat', '$${HOME}'],
    ['librechat', '{{LIBRECHAT_USER_ID}}'],
    ['librechat', '{{KEY}}'],
    ['claude', '$${HOME}'],
    ['claude', '$${HOME:-x}'],
    ['cursor', '$${env:HOME}'],
    ['vscode', '$${input:my-key}'],
    ['vscode', '$${workspaceFolder}'],
  ] as const)('%s cannot say the text %s: it would become a reference', (name, ours) => {
    expect(printValue(ours, DIALECTS[name])).toBeUndefined();
  });
});

const looksLike = fc
  .array(
    fc.constantFrom(
      ...[
        '$',
        '{',
        '}',
        '${',
        '}}',
        '{{',
        '${env:A}',
        '${A}',
        '${A:-b}',
        '{{KEY}}',
        '${input:my-key}',
      ],
      ...['{{LIBRECHAT_USER_ID}}', '${user:id}', '${secret:S}', '$${', 'KEY', 'env:', ' ', 'é'],
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

describe.each(Object.entries(DIALECTS))('%s', (_, dialect) => {
  it('reads any text to parts that say the same in our notation', () => {
    fc.assert(
      fc.property(looksLike, (text) => {
        const { parts } = dialect.read(text);
        const ours = toNotation(parts);
        // A `$` directly before a reference has no spelling; that is told, not changed.
        if (ours === undefined) expect(text).toMatch(/\$[${]/);
        else
          expect(parseValue(ours)).toEqual(
            parts.length > 0 ? parts : [{ kind: 'literal', text: '' }],
          );
      }),
    );
  });

  it('never makes a reference of what is text here, nor text of a reference', () => {
    fc.assert(
      fc.property(looksLike, (text) => {
        const ours = toNotation([{ kind: 'literal', text }]) ?? '';
        const printed = printValue(ours, dialect);
        if (printed === undefined) return;
        expect(dialect.read(printed.text).parts.filter(({ kind }) => kind !== 'literal')).toEqual(
          [],
        );
        expect(printed.text).toBe(text);
      }),
    );
  });

  it('never scans what a user filled in', () => {
    fc.assert(
      fc.property(looksLike, looksLike, (text, filledIn) => {
        const { parts } = dialect.read(text);
        const joined = joinValue(parts, () => filledIn);
        const expected = parts
          .map((part) => (part.kind === 'literal' ? part.text : filledIn))
          .join('');
        expect(joined).toBe(expected);
      }),
    );
  });
});
