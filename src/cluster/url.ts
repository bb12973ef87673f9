// Where a Redis is, as an operator writes it:
//   redis://[user:password@]host[:port][/db]                      one server
//   redis+sentinel://[user:password@]host[:port],…/master[/db]    the master that the Sentinels name (port 26379)
//   redis+cluster://[user:password@]host[:port],…                 a Redis Cluster, by some of its nodes
// `rediss` instead of `redis` is TLS, checked against node's trust (NODE_EXTRA_CA_CERTS adds to it). IPv6 in brackets.
import { GtmError } from '../kit/errors.ts';

export interface Target {
  kind: 'single' | 'sentinel' | 'cluster';
  tls: boolean;
  hosts: { host: string; port: number }[];
  username?: string;
  password?: string;
  db: number;
  /** The name of the master, for Sentinel. */
  master?: string;
  /** For people: no credentials. */
  shown: string;
}

const FORM = /^redis(s?)(?:\+(sentinel|cluster))?:\/\/(?:(.*)@)?([^/@?#]+)(\/[^?#]*)?$/;
const HOST = /^(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/;

/** The parts of a URL. Throws GTM_REDIS_URL, which never shows what may be a password. */
export function parseRedisUrl(url: string): Target {
  const m = FORM.exec(url);
  if (m === null) throw refused(url, 'not of the form redis://host:port/db');
  const kind = m[2] === undefined ? 'single' : (m[2] as 'sentinel' | 'cluster');
  const hosts = m[4].split(',').map(text => {
    const h = HOST.exec(text);
    const port = Number(h?.[3] ?? (kind === 'sentinel' ? 26379 : 6379));
    if (h === null || port < 1 || port > 65535) throw refused(url, `«${text}» is not HOST:PORT`);
    return { host: h[1] ?? h[2], port };
  });
  if (kind === 'single' && hosts.length > 1)
    throw refused(url, 'one host only; several are separate URLs, or redis+sentinel, or redis+cluster');
  const path = (m[5] ?? '').split('/').slice(1).filter(Boolean);
  const master = kind === 'sentinel' ? path.shift() : undefined;
  if (kind === 'sentinel' && master === undefined)
    throw refused(url, 'redis+sentinel wants the name of the master');
  const db = path.shift() ?? '0';
  if (!/^\d{1,4}$/.test(db) || path.length > 0 || (kind === 'cluster' && db !== '0'))
    throw refused(url, 'the path is no database number');
  const target: Target = { kind, tls: m[1] === 's', hosts, db: Number(db), shown: mask(url) };
  if (master !== undefined) target.master = master;
  if (m[3] !== undefined) {
    const colon = m[3].indexOf(':');
    const username = decode(colon < 0 ? m[3] : m[3].slice(0, colon));
    if (username !== '') target.username = username;
    if (colon >= 0) target.password = decode(m[3].slice(colon + 1));
  }
  return target;
}

/** A text about this Redis without its password: old servers put the arguments of a refused command in the error. */
export function hide(target: Target, text: string): string {
  return target.password !== undefined && target.password.length >= 4
    ? text.replaceAll(target.password, '***')
    : text;
}

function mask(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^([a-z+]*:\/\/)?.*@/s, '$1');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function refused(url: string, why: string): GtmError {
  return new GtmError('GTM_REDIS_URL', `redis URL ${mask(url)}: ${why}`);
}
