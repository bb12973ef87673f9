// For tests of the answer path: zones from master-file text, pools from lists of addresses, questions as text, replies
// as text: the rcode and flags, then the sections as lines.
import { makeResponder, type ResponderOptions } from '../../src/dns/chain.ts';
import { COUNTER, type CounterEvent, newCounters } from '../../src/dns/counters.ts';
import { parseName } from '../../src/dns/name.ts';
import { typeCode } from '../../src/dns/rr.ts';
import { compileZone } from '../../src/dns/zone/compile.ts';
import { openZones, packZones, type Zones } from '../../src/dns/zone/zones.ts';
import { parseZone } from '../../src/dns/zonefile/parse.ts';
import { hasErrors } from '../../src/kit/diag.ts';
import { parseIp } from '../../src/kit/ip.ts';
import { rcodeText } from '../../src/model/rcode.ts';
import { type Client, newClient, PICK_SERVFAIL, type Steering } from '../../src/model/steering.ts';
import { decode, type Message, type Rr } from './decode.ts';

/** A pool that always gives the same addresses; `servfail` fails. */
export type FixedPool = { addresses: string[]; ttl: number; servfail?: boolean };
export type FixedPools = Record<string, FixedPool>;

/** Steering over fixed pools, numbered in their order. */
export function fixedSteering(pools: FixedPools): Steering {
  const rows = Object.values(pools).map(p => {
    const all = p.addresses.map(a => parseIp(a) as Uint8Array);
    const packed = (size: number) => Buffer.concat(all.filter(a => a.length === size));
    return { v4: packed(4), v6: packed(16), ttl: p.ttl, servfail: p.servfail === true };
  });
  const picked = new Uint8Array(1024);
  const steering = {
    picked,
    ttl: 0,
    pick(pool: number, family: number): number {
      const row = rows[pool];
      if (row.servfail) return PICK_SERVFAIL;
      const bytes = family === 4 ? row.v4 : row.v6;
      picked.set(bytes);
      steering.ttl = row.ttl;
      return bytes.length / (family === 4 ? 4 : 16);
    },
  };
  return steering;
}

export function wireName(text: string): Uint8Array {
  const wire = parseName(text);
  if (typeof wire === 'string') throw new Error(`${text}: ${wire}`);
  return wire;
}

/** One block from master-file text. */
export function block(origin: string, text: string, pools: string[] = []): Uint8Array {
  const wire = wireName(origin);
  const { records, diagnostics } = parseZone(text, { origin: wire, file: origin });
  if (hasErrors(diagnostics)) throw new Error(diagnostics.map(d => d.message).join('; '));
  return compileZone(records, wire, name => pools.indexOf(name));
}

/** Zones from master-file texts by origin. */
export function zonesOf(texts: Record<string, string>, pools: string[] = []): Zones {
  return openZones(packZones(Object.entries(texts).map(([origin, text]) => block(origin, text, pools))));
}

export interface Asking {
  id?: number;
  flags?: number;
  class?: number;
  tcp?: boolean;
  /** The payload offered by EDNS; without it no OPT. */
  edns?: number;
  version?: number;
  ednsFlags?: number;
  /** Raw options. */
  options?: Uint8Array;
}

/** A query's bytes from `name TYPE`. */
export function query(text: string, how: Asking = {}): Uint8Array {
  const [name, type] = text.split(' ');
  const wire = wireName(name);
  const code = typeCode(type);
  if (code === undefined) throw new Error(`${type} is no type`);
  const options = how.options ?? new Uint8Array(0);
  const withOpt = how.edns !== undefined;
  const out = new Uint8Array(12 + wire.length + 4 + (withOpt ? 11 + options.length : 0));
  const view = new DataView(out.buffer);
  view.setUint16(0, how.id ?? 4711);
  view.setUint16(2, how.flags ?? 0);
  view.setUint16(4, 1);
  out.set(wire, 12);
  view.setUint16(12 + wire.length, code);
  view.setUint16(14 + wire.length, how.class ?? 1);
  if (withOpt) {
    const at = 16 + wire.length;
    view.setUint16(10, 1);
    view.setUint16(at + 1, 41);
    view.setUint16(at + 3, how.edns ?? 0);
    out[at + 6] = how.version ?? 0;
    view.setUint16(at + 7, how.ednsFlags ?? 0);
    view.setUint16(at + 9, options.length);
    out.set(options, at + 11);
  }
  return out;
}

export function client(how: Asking = {}): Client {
  const who = { ...newClient(how.tcp === true), port: 53000 };
  who.address.set([127, 0, 0, 1]);
  return who;
}

/** A server in the test's own process. */
export class Server {
  readonly counters = newCounters();
  readonly faults: unknown[] = [];
  /** Milliseconds. */
  now = 0;
  readonly respond;
  readonly #out = new Uint8Array(65535);

  constructor(zones: Zones, pools: FixedPools = {}, more: Partial<ResponderOptions> = {}) {
    const steering = fixedSteering(pools);
    const onFault = (thrown: unknown) => void this.faults.push(thrown);
    this.respond = makeResponder({ zones, steering, counters: this.counters, onFault, ...more });
  }

  /** What a counter stands at. */
  count(key: CounterEvent): number {
    return this.counters[COUNTER[key]];
  }

  /** The reply's bytes; empty if there is none. */
  raw(message: Uint8Array, who: Client = client()): Uint8Array {
    const length = this.respond(message, message.length, this.#out, who, this.now);
    return this.#out.slice(0, length);
  }

  /** Asks, and decodes the reply strictly. */
  ask(text: string, how: Asking = {}): Message {
    return decode(this.raw(query(text, how), client(how)));
  }

  /** Asks with these options, and gives the reply's options as `code:hex` words, behind the rcode. */
  options(text: string, options: string, how: Asking = {}): string {
    const bytes = Buffer.from(options.replaceAll(' ', ''), 'hex');
    const reply = this.ask(text, { edns: 1232, ...how, options: bytes });
    return [rcodeText(reply.rcode), ...optionTexts(reply.opt?.options ?? '')].join(' ');
  }

  /** Asks, and shows the reply as text. */
  show(text: string, how: Asking = {}): string {
    return show(this.ask(text, how));
  }
}

/** An option's bytes in hexadecimal. */
export function option(code: number, data: string): string {
  const bytes = data.replaceAll(' ', '');
  const word = (n: number) => n.toString(16).padStart(4, '0');
  return word(code) + word(bytes.length / 2) + bytes;
}

function optionTexts(hex: string): string[] {
  const texts: string[] = [];
  for (let at = 0; at < hex.length; ) {
    const size = Number.parseInt(hex.slice(at + 4, at + 8), 16) * 2;
    texts.push(`${Number.parseInt(hex.slice(at, at + 4), 16)}:${hex.slice(at + 8, at + 8 + size)}`);
    at += 8 + size;
  }
  return texts;
}

/** A reply as text, as in the tests' tables. */
export function show(m: Message): string {
  const head = [rcodeText(m.rcode), m.aa ? 'aa' : '', m.tc ? 'tc' : ''].filter(Boolean).join(' ');
  const lines = (mark: string, rrs: Rr[]) => rrs.map(r => `${mark}${r.owner} ${r.ttl} ${r.type} ${r.data}`);
  return [head, ...lines('', m.answer), ...lines('auth ', m.authority), ...lines('add ', m.additional)].join(
    '\n',
  );
}
