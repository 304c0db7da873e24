/**
 * Tokens that say by their beginning what they are, as their issuers document them: GitHub,
 * GitLab, AWS, Google, Slack, Stripe, OpenAI and Anthropic, npm, PyPI, Hugging Face, Notion,
 * Linear, Figma, Sentry and SendGrid; JSON Web Tokens (RFC 7519) and PEM keys (RFC 7468).
 */
const TOKENS: readonly (readonly [string, RegExp])[] = [
  ['a GitHub token', /\b(?:gh[opsur]_[A-Za-z0-9]{20}|github_pat_[A-Za-z0-9_]{20})/],
  ['a GitLab token', /\bgl(?:pat|dt|rt|cbt|ptt|oas)-[A-Za-z0-9_-]{20}/],
  ['an AWS access key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/],
  ['a Google API key', /\bAIza[A-Za-z0-9_-]{35}/],
  ['a Google OAuth token', /\bya29\.[A-Za-z0-9_-]{20}/],
  ['a Slack token', /\bx(?:ox[abeoprs]|app)-[A-Za-z0-9-]{10}/],
  ['a Stripe key', /\b[rs]k_(?:live|test)_[A-Za-z0-9]{16}/],
  ['an API key', /\bsk-[A-Za-z0-9_-]{20}/],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}/],
  ['a PyPI token', /\bpypi-[A-Za-z0-9_-]{20}/],
  ['a Hugging Face token', /\bhf_[A-Za-z0-9]{30}/],
  ['a Notion token', /\bntn_[A-Za-z0-9]{30}/],
  ['a Linear key', /\blin_api_[A-Za-z0-9]{30}/],
  ['a Figma token', /\bfigd_[A-Za-z0-9_-]{20}/],
  ['a Sentry token', /\bsntry[su]_[A-Za-z0-9_=+/-]{20}/],
  ['a SendGrid key', /\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16}/],
  ['a JSON Web Token', /\beyJ[A-Za-z0-9_-]{8,1000}\.eyJ[A-Za-z0-9_-]{8}/],
  ['a private key', /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/],
];

/** What people leave in examples for others to fill in. */
const UNFILLED: readonly RegExp[] = [
  /<[A-Za-z][A-Za-z0-9 _.-]{1,80}>/,
  /(?:^|[^a-z])your[-_ ]?(?:[a-z0-9]{1,30}[-_ ]){0,4}(?:key|token|secret|password|id|here)(?![a-z])/i,
  /(?:replace|insert)[-_ ](?:me|with|your|this)(?![a-z])/i,
  /^(?:change[-_ ]?me|to[-_ ]?do|tbd|fix[-_ ]?me|placeholder|x{4,}|\*{3,}|\.{3}|…)$/i,
];

const SECRET_NAME =
  /(?:^|[^a-z])(?:[a-z]*token|[a-z]*secret|(?:api|app|access|auth|secret|private|master|service|license)?key|pass(?:word|wd|phrase)?|pwd|pat|credentials?|authorization|cookie)$/i;
/** What stands under these is one, however short. */
const PASSWORD_NAME = /(?:^|[^a-z])(?:pass(?:word|wd|phrase)?|pwd|client ?secret)$/i;
/** A path or an address is where a secret is, not one. */
const LOCATION = /^(?:[/~.]|[A-Za-z]:[\\/]|[a-z][a-z0-9+.-]*:\/\/)/i;

/** Shorter texts are words. */
const MIN_LENGTH = 16;
/** Of a random text of hexadecimal digits it is near 4; of a word repeated it is lower. */
const MIN_BITS = 3;

/** A text of a file that was filled in by nobody, or should not be there. */
export type Suspicion =
  { readonly kind: 'unfilled' } | { readonly kind: 'secret'; readonly what: string };

/** What a text looks like that stands under a name. It may be long: each pattern is linear. */
export function suspicionOf(name: string, text: string): Suspicion | undefined {
  if (UNFILLED.some((pattern) => pattern.test(text.trim()))) return { kind: 'unfilled' };
  const token = TOKENS.find(([, pattern]) => pattern.test(text));
  if (token !== undefined) return { kind: 'secret', what: token[0] };
  const words = spaced(name);
  if (/^(?:proxy )?authorization$/i.test(words)) return authorization(text);
  const isSecret =
    (PASSWORD_NAME.test(words) && text !== '') || (SECRET_NAME.test(words) && looksRandom(text));
  return isSecret ? { kind: 'secret', what: 'a secret' } : undefined;
}

/** `apiKey`, `API_KEY` and `x-api-key` as words. */
function spaced(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[^A-Za-z0-9]+/g, ' ')
    .trim();
}

/** What follows the scheme; a scheme alone comes before a reference. */
function authorization(text: string): Suspicion | undefined {
  const [first = '', second = ''] = text.trim().split(/\s+/, 2);
  const credentials =
    second === '' && !/^(?:basic|bearer|token|digest)$/i.test(first) ? first : second;
  return credentials === '' ? undefined : { kind: 'secret', what: 'credentials' };
}

function looksRandom(text: string): boolean {
  if (text.length < MIN_LENGTH || /\s/.test(text) || LOCATION.test(text)) return false;
  return bitsPerCharacter(text.slice(0, 1_000)) >= MIN_BITS;
}

/** The entropy of a text by how often it has each character. */
function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values())
    bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}
