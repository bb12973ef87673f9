// Secrets in the cluster file: `${env:NAME}` is expanded in coordinator.secret and coordinator.redis and nowhere else;
// a literal one is warned of; and a line that holds one is known, so that no excerpt shows it.
import type { Finding, Path } from './finding.ts';

const WHOLE = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
const OPEN = '$'.concat('{');
const PART = /\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Where `${env:NAME}` may stand. */
export function takesEnv(path: Path): boolean {
  return path[0] === 'coordinator' && (path[1] === 'secret' || path[1] === 'redis');
}

/** Whether a text is `${env:NAME}` and nothing else: no secret itself. */
export function isReference(text: string): boolean {
  return WHOLE.test(text);
}

/** A URL's text with its password cut out, for people. */
export function maskUrl(url: string): string {
  return url.replace(/(:\/\/)[^/]*@/, '$1***@');
}

/**
 * Expands `coordinator.secret` and `coordinator.redis` of the plain values in place, and tells of variables that are
 * not set (their text stays empty), of literal secrets, and of `${…}` elsewhere. No finding holds a secret.
 */
export function* expandSecrets(
  value: unknown,
  strings: readonly { path: Path; text: string }[],
  env: Readonly<Record<string, string | undefined>>,
): Generator<Finding> {
  for (const { path, text } of strings) {
    const where = path.join('.');
    const rest = text.replace(PART, '');
    if (!takesEnv(path)) {
      const message = `${where}: \${…} is expanded in coordinator.secret and coordinator.redis only`;
      if (/\$\{\w+:/.test(text)) yield { code: 'GTM-C008', path, message };
      continue;
    }
    if (rest.includes(OPEN))
      yield { code: 'GTM-C008', path, message: `${where}: write a variable as \${env:NAME}` };
    else if (path[1] === 'secret' && rest !== '')
      yield {
        code: 'GTM-C009',
        path,
        message: 'coordinator.secret is written in the file itself',
        help: `keep it in the environment: secret: "\${env:GTM_SECRET}"`,
      };
    else if (path[1] === 'redis' && /:\/\/[^/@]*:[^/]+@/.test(rest))
      yield {
        code: 'GTM-C009',
        path,
        message: `coordinator.redis[${path[2]}] holds a password in the file itself`,
        help: `keep it in the environment: "redis://:\${env:REDIS_PASSWORD}@host:6379"`,
      };
  }
  const coordinator = (value as { coordinator?: Record<string, unknown> } | null)?.coordinator;
  if (typeof coordinator !== 'object' || coordinator === null) return;
  const { secret, redis } = coordinator;
  const faults: Finding[] = [];
  const expand = (text: unknown, path: Path) =>
    typeof text !== 'string'
      ? text
      : text.replace(PART, (_, variable: string) => {
          const found = env[variable] ?? '';
          const state = env[variable] === undefined ? 'not set' : 'empty';
          const message = `${path.join('.')}: the environment variable ${variable} is ${state}`;
          if (found === '') faults.push({ code: 'GTM-C007', path, message });
          return found;
        });
  if (secret !== undefined) coordinator['secret'] = expand(secret, ['coordinator', 'secret']);
  if (Array.isArray(redis))
    coordinator['redis'] = redis.map((r, i) => expand(r, ['coordinator', 'redis', i]));
  yield* faults;
}

const SECRET_KEY = /["']?\w*(?:secret|passw|token)\w*["']?\s*:\s*(.*)/i;
const URL_PASSWORD = /:\/\/[^\s/]*@/;

const KEY = /^[\s-]*[\w-]+\s*:(\s|$)/;
const REFERENCE = /^["']?\$\{env:\w+\}["']?[\s,}]*(#.*)?$/;

/**
 * The lines (by index from 0) that look as if they held a secret: all that can be told of a text too broken to read.
 * A text that begins at a secret's key goes on up to the next key.
 */
export function linesOfSecrets(lines: readonly string[]): ReadonlySet<number> {
  const found = new Set<number>();
  let goesOn = false;
  for (const [i, line] of lines.entries()) {
    const key = SECRET_KEY.exec(line);
    if (key !== null) goesOn = !REFERENCE.test(key[1]);
    else if (KEY.test(line)) goesOn = false;
    if (goesOn || URL_PASSWORD.test(line)) found.add(i);
  }
  return found;
}
