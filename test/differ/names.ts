// Random names as master-file text. Few labels, so that names meet: as parent and child, cut and data, wildcard and what
// it stands for.
import type { Dice } from './dice.ts';

const PLAIN = ['a', 'b', 'c', 'd', 'ns', 'www'];
const ODD = [
  '_tcp',
  '0',
  'x\\000y',
  'p\\.q',
  '\\255\\001',
  'sp\\032ace',
  'xn--4ca',
  'l'.repeat(63),
  'm'.repeat(40),
];

export function label(dice: Dice): string {
  return dice.chance(0.92) ? dice.pick(PLAIN) : dice.pick(ODD);
}

/** A name one to three labels below `origin`, sometimes a wildcard, sometimes with an asterisk further up. */
export function nameBelow(dice: Dice, origin: string): string {
  const depth = Number(dice.weighted({ 1: 50, 2: 35, 3: 15 }));
  let name = origin;
  for (let i = depth; i > 0; i--) {
    const star = dice.chance(i === 1 ? 0.14 : 0.03);
    const next = child(star ? '*' : label(dice), name);
    if (!fits(next)) break;
    name = next;
  }
  return name;
}

/** The labels of a name's text. */
export function labels(name: string): string[] {
  return name.match(/(?:\\\d{3}|\\.|[^.\\])+/g) ?? [];
}

/** The name one label below another. */
export function child(label: string, name: string): string {
  return name === '.' ? `${label}.` : `${label}.${name}`;
}

export function parent(name: string): string {
  return `${labels(name).slice(1).join('.')}.`;
}

/** Whether a name has at most 255 octets. */
export function fits(name: string): boolean {
  return labels(name).reduce((sum, l) => sum + 1 + l.replace(/\\\d{3}|\\./g, '.').length, 1) <= 255;
}

/** Whether `name` is `above` or below it. Both absolute, in any case. */
export function within(name: string, above: string): boolean {
  const n = labels(name.toLowerCase());
  const a = labels(above.toLowerCase());
  return a.length <= n.length && a.every((l, i) => l === n[n.length - a.length + i]);
}
