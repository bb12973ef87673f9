// The terms of a rule line, each checked: addresses, scheduling, method, numbers, tunnel. What is refused is thrown as Refused, with
// the word that it is about, and caught by the reader (read.ts), which goes on with the next line.
import { formatIp, parseEndpoint, parseIp } from '../../kit/ip.ts';
import { nearest } from '../../kit/suggest.ts';
import { SCHEDULERS } from '../../model/schema.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { type OptionName, optionText, type RuleLine, type Word } from './options.ts';
import { LACKING, LIMITS, PERSISTENT, PLAIN, type RuleService, SCHED_FLAGS, WRONG } from './rule.ts';

export class Refused extends Error {
  readonly at: Word;
  readonly code: string;

  constructor(at: Word, message: string, code: string = WRONG) {
    super(message);
    this.at = at;
    this.code = code;
  }
}

export type Address = Pick<ServiceSpec, 'protocol' | 'address' | 'port'>;

/** The service that a line is about. */
export function addressOf({ at, options }: RuleLine): Address {
  for (const [name, what] of [
    ['fwmark', 'services by firewall mark'],
    ['sctp', 'SCTP'],
  ] as const) {
    const word = options.get(name);
    if (word !== undefined)
      throw new Refused(word, `${optionText(name)} ${word.text}: no ${what} here`, LACKING);
  }
  const tcp = options.get('tcp');
  const word = tcp ?? options.get('udp');
  if (word === undefined || (tcp !== undefined && options.has('udp')))
    throw new Refused(at, 'which service? One of -t, -u ADDRESS:PORT');
  const found = endpointOf(word, 0);
  if (found.port === 0) throw new Refused(word, `${word.text}: no services of all ports here`, LACKING);
  return { protocol: tcp === undefined ? 'udp' : 'tcp', ...found };
}

/** An address with a port; `port` where it has none. */
export function endpointOf(word: Word, port: number): { address: string; port: number } {
  const bare = parseIp(word.text.replace(/^\[(.*)\]$/, '$1'));
  if (bare !== undefined) return { address: formatIp(bare), port };
  const found = parseEndpoint(word.text);
  const bytes = found && parseIp(found.address);
  if (found === undefined || bytes === undefined)
    throw new Refused(word, `«${word.text}»: an address and a port in numbers, please (ipvsadm -S -n)`);
  return { address: formatIp(bytes), port: found.port };
}

/** How a service schedules. */
export function schedulingOf(
  { options }: RuleLine,
  { address, protocol }: Address,
): Pick<RuleService, 'scheduler' | 'flags' | 'persistence'> {
  const named = options.get('scheduler');
  const scheduler = SCHEDULERS.find(s => s === (named?.text ?? 'wlc'));
  if (scheduler === undefined) {
    const near = nearest(named?.text ?? '', SCHEDULERS);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    throw new Refused(named as Word, `no such scheduler here: «${named?.text}»${hint}`, LACKING);
  }
  const engine = options.get('engine');
  if (engine !== undefined)
    throw new Refused(engine, `--pe ${engine.text}: no persistence engines here`, LACKING);
  const mask = options.get('netmask');
  if (mask !== undefined && !isWhole(mask.text, address))
    throw new Refused(
      mask,
      `-M ${mask.text}: persistence is for single clients here, not for networks`,
      LACKING,
    );
  const ops = options.get('ops');
  if (ops !== undefined && protocol !== 'udp') throw new Refused(ops, '-o (one packet) is for udp');
  return {
    scheduler,
    flags: [...flagsOf(options.get('flags'), scheduler), ...(ops ? ['ops'] : [])],
    persistence: persistenceOf(options.get('persistent')),
  };
}

function persistenceOf(word: Word | undefined): number {
  if (word === undefined) return 0;
  const seconds = word.text === '' ? PERSISTENT : Number(word.text);
  if (!(Number.isInteger(seconds) && seconds >= 1 && seconds * 1000 <= LIMITS.persistence))
    throw new Refused(word, `-p ${word.text}: seconds, from 1 to ${LIMITS.persistence / 1000}`);
  return seconds * 1000;
}

function flagsOf(word: Word | undefined, scheduler: string): string[] {
  const own = SCHED_FLAGS[scheduler] ?? [];
  const flags = new Set<string>();
  for (const text of word?.text.split(',') ?? []) {
    const numbered = /^flag-([12])$/.exec(text);
    const flag = numbered === null ? text : (own[Number(numbered[1]) - 1] ?? text);
    if (!own.includes(flag))
      throw new Refused(word as Word, `-b ${text}: scheduler ${scheduler} has no such flag`);
    flags.add(flag);
  }
  return own.filter(f => flags.has(f));
}

function isWhole(mask: string, address: string): boolean {
  return address.includes(':') ? mask === '128' : mask === '255.255.255.255';
}

/** How a server is reached; direct routing if nothing is said. */
export function methodOf({ options }: RuleLine): 'nat' | 'dr' | 'tun' {
  const [first = 'gatewaying', second] = (['gatewaying', 'ipip', 'masquerading'] as const).filter(o =>
    options.has(o),
  );
  if (second !== undefined)
    throw new Refused(options.get(second) as Word, `${optionText(second)} beside ${optionText(first)}`);
  return first === 'masquerading' ? 'nat' : first === 'ipip' ? 'tun' : 'dr';
}

/** Weight and thresholds. */
export function numbersOf(rule: RuleLine): { weight: number; upper: number; lower: number } {
  const weight = numberOf(rule, 'weight', 1, 65_535);
  const upper = numberOf(rule, 'upper', 0, 0xffff_ffff);
  const lower = numberOf(rule, 'lower', 0, 0xffff_ffff);
  if (lower > upper) throw new Refused(rule.options.get('lower') as Word, `-y ${lower} is over -x ${upper}`);
  return { weight, upper, lower };
}

function numberOf({ options }: RuleLine, name: OptionName, none: number, most: number): number {
  const word = options.get(name);
  if (word === undefined) return none;
  const n = /^\d+$/.test(word.text) ? Number(word.text) : -1;
  if (n < 0 || n > most)
    throw new Refused(word, `${optionText(name)} ${word.text}: a number from 0 to ${most}`);
  return n;
}

/** The tunnel to a server of method tun. */
export function tunnelOf({ options, at }: RuleLine): ServiceSpec['tunnel'] {
  const word = options.get('tunType');
  const type = (['ipip', 'gue', 'gre'] as const).find(t => t === (word?.text ?? 'ipip'));
  if (type === undefined)
    throw new Refused(
      word as Word,
      `--tun-type ${word?.text}: no such tunnel here; ipip, gue or gre`,
      LACKING,
    );
  const remote = options.get('tunRemcsum');
  if (remote !== undefined) throw new Refused(remote, '--tun-remcsum: no remote checksums here', LACKING);
  const checksum = type !== 'ipip' && options.has('tunCsum');
  if (type !== 'gue') return { type, port: PLAIN.tunnel.port, checksum };
  const port = options.get('tunPort');
  const number = Number(port?.text);
  if (!(Number.isInteger(number) && number >= 1 && number <= 65_535))
    throw new Refused(port ?? word ?? at, '--tun-type gue wants --tun-port, from 1 to 65535');
  return { type, port: number, checksum };
}

/** The three time-outs of --set in milliseconds, over those of before; 0 leaves one as it is. */
export function timeoutsOf(
  { at, rest, options }: RuleLine,
  before: NonNullable<RuleService['timeouts']>,
): NonNullable<RuleService['timeouts']> {
  const seconds = rest.map(w => (/^\d+$/.test(w.text) ? Number(w.text) : Number.NaN));
  if (options.size > 0 || seconds.length !== 3 || seconds.some(Number.isNaN))
    throw new Refused(at, '--set TCP TCPFIN UDP: three numbers of seconds, 0 leaves one as it is');
  const result = { ...before };
  for (const [i, key] of (['tcp', 'tcp_fin', 'udp'] as const).entries()) {
    const ms = seconds[i] * 1000;
    if (ms > LIMITS[key])
      throw new Refused(
        rest[i],
        `--set: ${seconds[i]} s is more than a service may have here, ${LIMITS[key] / 1000} s`,
        LACKING,
      );
    if (ms > 0) result[key] = ms;
  }
  return result;
}
