import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Metadata } from '@grpc/grpc-js';
import type { PeerCertificate } from 'node:tls';
import { z } from 'zod';
import { ANONYMOUS, type Caller } from '../domain/caller.js';
import { SwitchboardError } from '../domain/errors.js';
import { messageOf, StartError } from './start-error.js';

/** What a call shows of who makes it. */
export interface CallCredentials {
  readonly metadata: Metadata;
  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate };
}

/** Who makes a call. Throws UNAUTHENTICATED. */
export type Authenticate = (call: CallCredentials) => Caller;

/** Who calls, by the digest of the token: the tokens themselves are not kept in memory. */
type KnownTokens = ReadonlyMap<string, Caller>;

const tokensFile = z.strictObject({
  tokens: z
    .array(
      z
        .strictObject({
          token: z.string().min(16, 'use at least 16 characters').optional(),
          sha256: z
            .string()
            .regex(/^[0-9a-f]{64}$/, 'expected 64 hex digits')
            .optional(),
          principal: z.string().min(1).max(256),
          roles: z.array(z.enum(['reader', 'node', 'admin'])).min(1),
          tenants: z.array(z.string().min(1)).min(1).optional(),
        })
        .refine(({ token, sha256 }) => (token === undefined) !== (sha256 === undefined), {
          message: 'needs either token or sha256',
        }),
    )
    .min(1)
    .max(1000),
});

/**
 * Reads a file of tokens:
 *
 *     {"tokens": [{"token": "…", "principal": "ci", "roles": ["admin"], "tenants": ["default"]}]}
 *
 * `sha256` (of the token, in hex) may stand in place of `token`; a node may also read, and
 * an admin do everything; without `tenants` a token is good for all of them. Throws a StartError.
 */
export function readTokens(file: string): Authenticate {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new StartError(`--tokens-file: cannot read ${file}: ${messageOf(error)}`);
  }
  const parsed = tokensFile.safeParse(parseJson(text, file));
  if (!parsed.success) {
    // Nothing of the content is repeated here: it may be a token.
    const [issue] = parsed.error.issues;
    throw new StartError(
      `--tokens-file ${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    );
  }
  return bearerTokens(callersOf(parsed.data.tokens, file));
}

/** The callers of a file by the digests of their tokens. Of a token that is there twice, one role would win. */
function callersOf(tokens: z.infer<typeof tokensFile>['tokens'], file: string): KnownTokens {
  const known = new Map<string, Caller>();
  for (const [index, declared] of tokens.entries()) {
    const { token, sha256 = '', principal, roles, tenants } = declared;
    const digest = token === undefined ? sha256 : digestOf(token);
    const first = [...known.keys()].indexOf(digest);
    if (first >= 0) {
      throw new StartError(
        `--tokens-file ${file}: tokens.${String(first)} (${known.get(digest)?.principal ?? ''}) and ` +
          `tokens.${String(index)} (${principal}) are the same token: give each its own, or remove one`,
      );
    }
    known.set(digest, { principal, tenants, roles });
  }
  return known;
}

/** Demands `authorization: Bearer <token>` with one of the tokens. */
function bearerTokens(known: KnownTokens): Authenticate {
  return ({ metadata }) => {
    const [header] = metadata.get('authorization');
    const token = /^Bearer +([^ ]+) *$/i.exec(String(header ?? ''))?.[1];
    if (token === undefined) throw unauthenticated('no bearer token');
    // How far two digests agree tells nothing of how far the tokens do.
    const caller = known.get(digestOf(token));
    if (caller === undefined) throw unauthenticated('unknown token');
    return caller;
  };
}

/** For servers whose TLS demands client certificates: whoever has one may do everything. */
export const byClientCertificate: Authenticate = (call) => {
  const subject = call.getAuthContext().sslPeerCertificate?.subject.CN;
  if (subject === undefined) throw unauthenticated('no client certificate with a common name');
  return { ...ANONYMOUS, principal: `certificate:${String(subject)}` };
};

/** For servers that demand no credentials. */
export const anyone: Authenticate = () => ANONYMOUS;

function unauthenticated(what: string): SwitchboardError {
  return new SwitchboardError(
    'UNAUTHENTICATED',
    `${what}; send authorization: Bearer <token> with a token that this server knows`,
  );
}

function digestOf(token: string): string {
  return createHash('sha256').update(token, 'utf8').digest('hex');
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new StartError(`--tokens-file ${file}: not JSON`);
  }
}
