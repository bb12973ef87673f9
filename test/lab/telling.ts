// What every story of the lab has at hand: where it plays, and the programs that tell it.
import { createCipheriv, createHash } from 'node:crypto';
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Director, Plane } from './director.ts';
import { type Outcome, paced } from './hosts.ts';
import { type Family, host, type Mode, type Site, vip } from './site.ts';

export interface Context {
  site: Site;
  director: Director;
  mode: Mode;
  family: Family;
  /** What the server sees of the client depends on it. ipvs: in a kernel of its own (npm run oracle:plane). */
  plane: Plane;
  queues: number;
  files: Files;
}

/** Options of every curl: quiet, with faults on stderr, brackets in URLs as they are. */
export const CURL = ['-gsS', '--fail-early', '-m', `${paced(20)}`];

export function url(c: Context, path: string): string {
  return `http://${host(vip(c.mode, c.family))}${path}`;
}

export async function sure(run: Promise<Outcome>): Promise<string> {
  const { code, out, err } = await run;
  if (code !== 0) throw new Error(`exit code ${code}: ${err.trim().slice(0, 500)}${out.slice(0, 200)}`);
  return out;
}

export function curl(c: Context, ...args: string[]): Promise<string> {
  return sure(c.site.client.run('curl', [...CURL, ...args], { timeout: 60_000 }));
}

/** Who answered, by name, one request after the other, each of a connection of its own from a fresh port. */
export async function answerers(c: Context, count: number, path = '/whoami'): Promise<string[]> {
  const each = Array.from({ length: count }, (_, i) => [
    ...(i === 0 ? [] : ['--next', ...CURL]),
    ...['--local-port', `${c.site.freshPort()}`, '-H', 'Connection: close', url(c, path)],
  ]);
  const out = await curl(c, ...each.flat());
  return out
    .trim()
    .split('\n')
    .map(line => line.split(' ')[0]);
}

/** How many of so many requests each has answered, by name. */
export async function answers(c: Context, count: number, path?: string): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const name of await answerers(c, count, path)) found.set(name, (found.get(name) ?? 0) + 1);
  return found;
}

export function ask(c: Context, ...args: string[]): Promise<Outcome> {
  return c.site.client.run('dig', [
    `@${vip(c.mode, c.family)}`,
    '+tries=1',
    `+time=${paced(2)}`,
    '+short',
    ...args,
  ]);
}

export async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** The files that every server has: each is made when its hash is first asked for, which is before the file is. */
export class Files {
  readonly #dir: string;
  readonly #sizes: Readonly<Record<string, number>>;
  readonly #hashes = new Map<string, string>();

  /** `sizes`: octets, by name, whole MiB. */
  constructor(dir: string, sizes: Readonly<Record<string, number>>) {
    this.#dir = dir;
    this.#sizes = sizes;
  }

  /** SHA-256 of a file. */
  hash(name: string): string {
    let hash = this.#hashes.get(name);
    if (hash === undefined) {
      hash = fill(this.#dir, name, this.#sizes[name]);
      this.#hashes.set(name, hash);
    }
    return hash;
  }
}

// Writes a file of octets that do not repeat; its SHA-256.
function fill(dir: string, name: string, size: number): string {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, name), Buffer.alloc(16));
  const zeros = Buffer.alloc(1 << 20);
  const hash = createHash('sha256');
  const fd = openSync(join(dir, name), 'w');
  for (let at = 0; at < size; at += zeros.length) {
    const piece = cipher.update(zeros);
    hash.update(piece);
    writeSync(fd, piece);
  }
  closeSync(fd);
  return hash.digest('hex');
}
