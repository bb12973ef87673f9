// From a node's `dns` section to what the chain works with. Settings are plain: the main thread makes them once, with
// what all workers and all snapshots have in common (secrets made up, the table of the rate limits), and they go to
// workers as they are.
import type { Answering } from '../model/answering.ts';
import { Chaos } from './chaos.ts';
import { Cookies } from './cookie.ts';
import type { Tools } from './exchange.ts';
import { Options } from './options.ts';
import { newRateTable, RateLimiter } from './ratelimit.ts';

export interface Settings extends Partial<Answering> {
  /** Milliseconds that a TCP connection may be idle, for who asks (RFC 7828). */
  tcp_idle?: number;
  /** Of `rrl`; see newRateTable. */
  rateTable?: SharedArrayBuffer;
}

/**
 * Settings for all workers of a node. `random`: 20 octets that nobody can guess. `before`: the settings that these take the
 * place of in a running node, which goes on with their rate limits' table and the time-out that its sockets have.
 */
export function shareSettings(dns: Settings, random: Uint8Array, before?: Settings): Settings {
  const { cookies, ecs, nsid, chaos, rrl } = dns;
  const { tcp_idle } = before ?? dns;
  const hex = Array.from(random.subarray(0, 16), b => b.toString(16).padStart(2, '0')).join('');
  const given = cookies?.secrets ?? [];
  const kept = rrl?.table === before?.rrl?.table ? before?.rateTable : undefined;
  const seed = (random[16] << 24) | (random[17] << 16) | (random[18] << 8) | random[19];
  return {
    cookies: { require: cookies?.require ?? false, secrets: given.length === 0 ? [hex] : given },
    ...(ecs !== undefined && { ecs }),
    ...(nsid !== undefined && { nsid }),
    ...(chaos !== undefined && { chaos }),
    ...(tcp_idle !== undefined && { tcp_idle }),
    ...(rrl !== undefined && { rrl, rateTable: kept ?? newRateTable(rrl.table, seed) }),
  };
}

/** The tools of one responder. Cookies need secrets and `seconds`, rate limits their table. */
export function makeTools(settings: Settings, seconds?: () => number): Tools {
  const { cookies, ecs, nsid, chaos, rrl, rateTable, tcp_idle } = settings;
  const secrets = cookies?.secrets ?? [];
  const jar = seconds === undefined || secrets.length === 0 ? undefined : new Cookies(secrets, seconds);
  const options = new Options({
    cookies: jar,
    subnets: ecs === true,
    nsid: nsid === undefined ? undefined : Uint8Array.from(nsid, c => c.charCodeAt(0)),
    keepalive: Math.min(0xffff, Math.floor((tcp_idle ?? 0) / 100)),
  });
  return {
    options,
    chaos: new Chaos(chaos?.version, chaos?.hostname),
    limiter: rrl === undefined || rateTable === undefined ? undefined : new RateLimiter(rrl, rateTable),
    requireCookie: jar !== undefined && cookies?.require === true,
  };
}
