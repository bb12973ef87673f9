// Random questions about zones: names that are there, names beside, above and below them, wildcards expanded, case turned;
// any type; with and without EDNS, at sizes that truncate; some over TCP.
import { type Asking, query } from '../dns/serve.ts';
import type { Dice } from './dice.ts';
import { child, fits, label, parent } from './names.ts';
import { DATA } from './rdata.ts';
import type { Zone } from './zones.ts';

export interface Question {
  /** `name TYPE`, as test/dns asks. */
  text: string;
  how: Asking;
  /** Index of the zone from which the name was drawn. */
  zone: number;
}

const TYPES = [...Object.keys(DATA), 'NS', 'SOA', 'CNAME', 'DNAME', 'DS', 'ANY', 'TYPE99', 'TYPE65535'];

export function randomQuestion(dice: Dice, zones: readonly Zone[]): Question {
  const zone = dice.from(0, zones.length - 1);
  const record = dice.pick(zones[zone].records);
  // Types that are there, or that show what is not; a type that some record has makes chains end in data.
  const type = dice.chance(0.35)
    ? record.type
    : dice.chance(0.45)
      ? dice.pick(['A', 'A', 'A', 'MX', 'TXT', 'DS', 'NS'])
      : dice.pick(TYPES);
  const name = near(dice, record.owner);
  const text = `${dice.chance(0.2) ? dice.mixedCase(name) : name} ${type}`;
  const how: Asking = { tcp: dice.chance(0.08), flags: dice.chance(0.3) ? 0x0100 : 0 };
  if (dice.chance(0.6)) {
    how.edns = dice.pick([0, 512, 512, 700, 1232, 1232, 1232, 4096, 65535]);
    how.ednsFlags = dice.chance(0.3) ? 0x8000 : 0;
  }
  return { text, how, zone };
}

/** The question's octets. */
export function message(question: Question): Uint8Array {
  return query(question.text, question.how);
}

/** A question in words. */
export function asking({ text, how }: Question): string {
  const edns = how.edns === undefined ? '' : `, edns ${how.edns}${how.ednsFlags ? ' do' : ''}`;
  return `${text}${how.tcp ? ', tcp' : ''}${edns}`;
}

function near(dice: Dice, owner: string): string {
  const name = nearby(dice, owner);
  return fits(name) ? name : owner;
}

function nearby(dice: Dice, owner: string): string {
  const above = parent(owner);
  const below = (name: string) => child(label(dice), name);
  switch (
    dice.weighted({ there: 45, below: 14, deep: 6, beside: 12, above: 8, wild: 5, star: 5, out: 1, top: 4 })
  ) {
    case 'there':
      return owner;
    case 'below':
      return below(owner);
    case 'deep':
      return below(below(below(owner)));
    case 'beside':
      return below(above);
    case 'above':
      return above;
    case 'wild':
      if (!owner.startsWith('*.')) return owner;
      return dice.chance(0.5) ? below(above) : below(below(above));
    case 'star':
      return child('*', dice.chance(0.5) ? owner : above);
    case 'out':
      return dice.pick(['www.elsewhere.org.', 'test.', '.', 'xk0.test.', 'net.']);
    case 'top':
      return below(parent(above));
  }
}
