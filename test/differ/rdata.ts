// Random rdata as master-file text, by type. `target` draws a name that the zones hold, or nearly hold.
import type { Dice } from './dice.ts';

/** Types of data, each with how often it is drawn. */
export const DATA = {
  A: 30,
  AAAA: 12,
  TXT: 12,
  MX: 12,
  SRV: 8,
  PTR: 4,
  CAA: 3,
  HINFO: 3,
  NAPTR: 3,
  AFSDB: 2,
  RP: 2,
  MINFO: 1,
  SVCB: 2,
  HTTPS: 2,
  URI: 1,
  LOC: 1,
  DS: 2,
  TYPE44: 2,
  TYPE4711: 3,
  TYPE65280: 1,
} as const;

export type DataType = keyof typeof DATA;

const hex = (dice: Dice, octets: number) =>
  Array.from({ length: octets }, () => dice.from(0, 255).toString(16).padStart(2, '0')).join('');

export function rdata(dice: Dice, type: DataType, target: () => string): string {
  switch (type) {
    case 'A':
      return `192.0.2.${dice.from(0, 255)}`;
    case 'AAAA':
      return `2001:db8::${dice.from(1, 0xffff).toString(16)}`;
    case 'TXT':
      // Some are long, so that replies do not fit.
      return Array.from(
        { length: dice.chance(0.15) ? dice.from(2, 6) : 1 },
        () => `"${dice.pick(['t', 'T', '\\034', '\\000']).repeat(dice.pick([0, 1, 20, 250]))}"`,
      ).join(' ');
    case 'MX':
      return `${dice.from(0, 20)} ${dice.chance(0.05) ? '.' : target()}`;
    case 'SRV':
      return `${dice.from(0, 3)} ${dice.from(0, 9)} ${dice.from(0, 65535)} ${target()}`;
    case 'PTR':
      return target();
    case 'CAA':
      return `${dice.pick([0, 128])} ${dice.pick(['issue', 'iodef'])} "ca${dice.from(0, 9)}.example"`;
    case 'HINFO':
      return `"cpu${dice.from(0, 9)}" "Os"`;
    // Replies show these as octets: lower case, so that servers that fold names in rdata give the same.
    case 'NAPTR':
      return `${dice.from(0, 99)} 10 "${dice.pick(['s', 'a', 'U'])}" "SIP+D2U" "" ${target().toLowerCase()}`;
    case 'AFSDB':
      return `${dice.from(1, 2)} ${target().toLowerCase()}`;
    case 'RP':
      return `${target().toLowerCase()} ${target().toLowerCase()}`;
    case 'MINFO':
      return 'a. b.';
    case 'SVCB':
    case 'HTTPS':
      return dice.chance(0.3)
        ? `0 ${target().toLowerCase()}`
        : `${dice.from(1, 3)} ${dice.chance(0.5) ? '.' : target().toLowerCase()} alpn=h2,h3 port=${dice.from(1, 9999)}`;
    case 'URI':
      return `10 ${dice.from(0, 9)} "https://www.example/${dice.from(0, 9)}"`;
    case 'LOC':
      return `${dice.from(0, 89)} 22 23.000 N 4 53 32.000 E -2.00m 1m 10000m 10m`;
    case 'DS':
      return `${dice.from(0, 65535)} 8 2 ${hex(dice, 32)}`;
    case 'TYPE44':
      return `\\# 22 0101${hex(dice, 20)}`;
    case 'TYPE4711': {
      const octets = dice.pick([0, 1, 3, 40]);
      return `\\# ${octets} ${hex(dice, octets)}`.trim();
    }
    case 'TYPE65280':
      return `\\# 4 ${hex(dice, 4)}`;
  }
}
