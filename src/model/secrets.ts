// Secrets in the cluster file: `${env:NAME}` is expanded in coordinator.secret, coordinator.redis and dns.cookies.secrets
// of a node and nowhere else; a literal one is warned of; and a line that holds one is known, so that no excerpt shows it.
import type { Finding, Path } from './finding.ts';

const WHOLE = /^\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
const OPEN = '$'.concat('{');
const PART = /\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Where `${env:NAME}` may stand. */
export function takesEnv(path: Path): boolean {
  if (path[0] === 'coordinator') return path[1] === 'secret' || path[1] === 'redis';
  return isCookieSecret(path);
}

function isCookieSecret(path: Path): boolean {
  return path[0] === 'nodes' && path[2] === 'dns' && path[3] === 'cookies' && path[4] === 'secrets';
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
 * Expands the secrets of the plain values in place, and tells of variables that are not set (their text stays empty), of
 * literal secrets, and of `${…}` elsewhere. No finding holds a secret.
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
      const message = `${where}: \${…} is expanded in coordinator.secret, coordinator.redis and dns.cookies.secrets only`;
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
    else if (isCookieSecret(path) && rest !== '')
      yield {
        code: 'GTM-C009',
        path,
        message: `${where} is written in the file itself`,
        help: `keep it in the environment: secrets: ["\${env:GTM_COOKIE_SECRET}"]`,
      };
    else if (path[1] === 'redis' && /:\/\/[^/@]*:[^/]+@/.test(rest))
      yield {
        code: 'GTM-C009',
        path,
        message: `coordinator.redis[${path[2]}] holds a password in the file itself`,
        help: `keep it in the environment: "redis://:\${env:REDIS_PASSWORD}@host:6379"`,
      };
  }
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
  const coordinator = within(value, ['coordinator']);
  if (coordinator?.['secret'] !== undefined)
    coordinator['secret'] = expand(coordinator['secret'], ['coordinator', 'secret']);
  const all = (holder: Record<string, unknown> | undefined, key: string, path: Path) => {
    const list = holder?.[key];
    if (holder !== undefined && Array.isArray(list))
      holder[key] = list.map((text, i) => expand(text, [...path, key, i]));
  };
  all(coordinator, 'redis', ['coordinator']);
  // Several nodes may have one mapping in common, by an alias: what is expanded once has no variable left.
  for (const node of Object.keys(within(value, ['nodes']) ?? {})) {
    const path = ['nodes', node, 'dns', 'cookies'];
    all(within(value, path), 'secrets', path);
  }
  yield* faults;
}

// The mapping at a path, if there is one.
function within(value: unknown, path: readonly string[]): Record<string, unknown> | undefined {
  let here = value;
  for (const step of [undefined, ...path]) {
    if (step !== undefined) here = (here as Record<string, unknown>)[step];
    if (typeof here !== 'object' || here === null || Array.isArray(here)) return undefined;
  }
  return here as Record<string, unknown>;
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
