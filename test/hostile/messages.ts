// What an enemy sends: DNS messages that are cut, mutated, random, that lie about their counts, point in circles, run
// over, or claim to be replies. The same seed, the same messages. And a harmless one, for the same load without malice.
import { below, type Rng } from '../../src/kit/rng.ts';
import { option, query } from '../dns/serve.ts';

const NAMES = 'www api big nope . a.b.c.www WwW version.bind'.split(' ');
const TYPES = 'A AAAA TXT ANY AXFR SOA OPT DS TYPE65535'.split(' ');
const OPTIONS = [
  '',
  option(10, 'ab'.repeat(8)),
  option(10, 'ab'.repeat(24)),
  option(10, 'ab'.repeat(13)),
  option(8, '0001 18 00 c00002'),
  option(8, '0001 18 00 c00002ff'),
  option(3, '') + option(11, '') + option(10, 'ab'.repeat(8)),
  option(11, 'ffff'),
  option(0xffff, 'ff'.repeat(600)),
];

/** So many messages, of all KINDS in turn; made before an attack begins, so that it costs no more than a harmless load. */
export function arsenal(rng: Rng, count: number): Buffer[] {
  const kinds = Object.values(KINDS);
  return Array.from({ length: count }, (_, i) => Buffer.from(kinds[i % kinds.length](rng)));
}

/** A message without malice. */
export function harmless(): Buffer {
  return Buffer.from(query('www.example.com A', { edns: 1232 }));
}

/** Whether a message asks at all: what is no whole header, or says that it is a reply, must get no answer. */
export function asks(message: Uint8Array): boolean {
  return message.length >= 12 && (message[2] & 0x80) === 0;
}

const KINDS: Record<string, (rng: Rng) => Uint8Array> = {
  random: rng => octets(rng, below(rng, 700)),
  cut: rng => {
    const whole = valid(rng);
    return whole.subarray(0, below(rng, whole.length));
  },
  mutated: rng => {
    const message = valid(rng);
    for (let i = below(rng, 6); i >= 0; i--) message[2 + below(rng, message.length - 2)] = below(rng, 256);
    return message;
  },
  reply: rng => {
    const message = valid(rng);
    message[2] |= 0x80;
    return message;
  },
  // The question's name points at itself, forward, or at another pointer.
  loop: rng => {
    const message = valid(rng);
    const to = below(rng, message.length);
    message[12] = 0xc0 | (to >> 8);
    message[13] = to & 255;
    return message;
  },
  // Records behind the question whose names point in a circle, with counts to match.
  circle: rng => {
    const record = Buffer.from(`c0${(28 + below(rng, 30)).toString(16)}00010001000000000000`, 'hex');
    const count = 1 + below(rng, 40);
    const message = Buffer.concat([
      query('www.example.com A'),
      ...Array.from({ length: count }, () => record),
    ]);
    message[11] = count;
    return message;
  },
  counts: rng => {
    const message = valid(rng);
    for (let i = 4; i < 12; i++) if (below(rng, 2) === 0) message[i] = below(rng, 256);
    return message;
  },
  oversized: rng => Buffer.concat([valid(rng), octets(rng, 1000 + below(rng, 8000))]),
  // Labels up to beyond the end of a name's 255 octets.
  long: rng => {
    const label = Buffer.concat([Buffer.from([63]), octets(rng, 63)]);
    const labels = Array.from({ length: 1 + below(rng, 8) }, () => label);
    const header = valid(rng).subarray(0, 12);
    return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
  },
  // An OPT whose options run over, or over one another.
  options: rng => {
    const message = valid(rng);
    const end = Math.min(message.length, 40);
    for (let i = below(rng, 4); i >= 0; i--) message[message.length - 1 - below(rng, end)] = below(rng, 256);
    return message;
  },
};

function octets(rng: Rng, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => below(rng, 256)));
}

function valid(rng: Rng): Buffer {
  const pick = <T>(list: readonly T[]): T => list[below(rng, list.length)];
  const name = pick(NAMES);
  const full = name === '.' || name === 'version.bind' ? name : `${name}.example.com`;
  const options = Uint8Array.from(Buffer.from(pick(OPTIONS), 'hex'));
  const edns = below(rng, 3) === 0 ? {} : { edns: pick([0, 512, 1232, 65535]), options };
  const klass = below(rng, 8) === 0 ? below(rng, 5) : name === 'version.bind' ? 3 : 1;
  const flags = below(rng, 8) === 0 ? below(rng, 0x8000) : 0;
  return Buffer.from(query(`${full} ${pick(TYPES)}`, { ...edns, class: klass, flags }));
}
