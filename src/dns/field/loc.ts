// A place on earth (RFC 1876): degrees [minutes [seconds]] N|S, the same E|W, altitude, and the sizes of it.
//   wire: version 0 · size · horizontal and vertical precision (mantissa, power of ten, in cm) · latitude · longitude ·
//   altitude; angles in thousandths of a second from 2^31, the altitude in cm from 100 km below.
import { show } from '../zonefile/faults.ts';
import type { Kind, Words } from './kind.ts';
import { number } from './octets.ts';

const MIDDLE = 2 ** 31;
const DEGREE = 3_600_000;
const GROUND = 10_000_000;

export const loc: Kind = {
  end(bytes, at, end) {
    if (at + 16 > end || bytes[at] !== 0) return -1;
    for (let i = at + 1; i < at + 4; i++) {
      const [mantissa, power] = [bytes[i] >> 4, bytes[i] & 15];
      // A mantissa of 0 has no power to be read back.
      if (mantissa > 9 || power > 9 || (mantissa === 0 && power > 0)) return -1;
    }
    const off = (i: number, most: number) => Math.abs(number(bytes, i, i + 4) - MIDDLE) > most * DEGREE;
    return off(at + 4, 90) || off(at + 8, 180) ? -1 : at + 16;
  },
  print(bytes, at) {
    const latitude = number(bytes, at + 4, at + 8) - MIDDLE;
    const longitude = number(bytes, at + 8, at + 12) - MIDDLE;
    const altitude = meters(number(bytes, at + 12, at + 16) - GROUND);
    const sizes = [1, 2, 3].map(i => `${meters((bytes[at + i] >> 4) * 10 ** (bytes[at + i] & 15))}m`);
    const angles = [angle(latitude, 'N', 'S'), angle(longitude, 'E', 'W')];
    return [...angles, `${altitude}m`, ...sizes].join(' ');
  },
  scan(words) {
    const latitude = scanAngle(words, 'latitude', 90, 'N', 'S');
    const longitude = latitude === undefined ? undefined : scanAngle(words, 'longitude', 180, 'E', 'W');
    if (latitude === undefined || longitude === undefined) return false;
    const altitude = scanMeters(words, 'altitude', undefined, -GROUND, 0xffffffff - GROUND);
    const size = altitude === undefined ? undefined : scanMeters(words, 'size', 100, 0, 9e9);
    const across =
      size === undefined ? undefined : scanMeters(words, 'horizontal precision', 1_000_000, 0, 9e9);
    const upward = across === undefined ? undefined : scanMeters(words, 'vertical precision', 1000, 0, 9e9);
    if (altitude === undefined || size === undefined || across === undefined || upward === undefined)
      return false;
    words.put(0, 1);
    for (const cm of [size, across, upward]) words.put(power(cm), 1);
    words.put(MIDDLE + latitude, 4);
    words.put(MIDDLE + longitude, 4);
    return words.put(altitude + GROUND, 4);
  },
};

// Thousandths of a second.
function angle(value: number, plus: string, minus: string): string {
  const rest = Math.abs(value);
  const minutes = Math.floor((rest % DEGREE) / 60_000);
  const seconds = ((rest % 60_000) / 1000).toFixed(3);
  return `${Math.floor(rest / DEGREE)} ${minutes} ${seconds} ${value < 0 ? minus : plus}`;
}

// Centimetres as metres, without decimals where there are none.
function meters(cm: number): string {
  return cm % 100 === 0 ? String(cm / 100) : (cm / 100).toFixed(2);
}

function scanAngle(
  words: Words,
  what: string,
  most: number,
  plus: string,
  minus: string,
): number | undefined {
  let value = 0;
  for (let part = 0; words.more; part++, words.next()) {
    const word = words.word.toUpperCase();
    if (part > 0 && (word === plus || word === minus)) {
      if (value > most * DEGREE) words.fail('place', `the ${what} is over ${most} degrees`, words.at - part);
      else if (words.next()) return word === plus ? value : -value;
      return undefined;
    }
    const shape = part === 2 ? /^\d{1,2}(\.\d{1,3})?$/ : /^\d{1,3}$/;
    const bound = part === 0 ? most : 59.999;
    if (part > 2 || !shape.test(word) || Number(word) > bound) {
      const side = `${plus} or ${minus}`;
      const wanted = [
        `degrees from 0 to ${most}`,
        `minutes from 0 to 59, or ${side}`,
        `seconds from 0 to 59.999, or ${side}`,
      ];
      words.fail('place', `${show(words.word)} is no ${what}: ${wanted[part] ?? side} wanted`);
      return undefined;
    }
    value += Math.round(Number(word) * [DEGREE, 60_000, 1000][part]);
  }
  words.fail('missing', `LOC without its ${what}`);
  return undefined;
}

// Centimetres; `otherwise` where the word is missing.
function scanMeters(
  words: Words,
  what: string,
  otherwise: number | undefined,
  least: number,
  most: number,
): number | undefined {
  if (!words.more) {
    if (otherwise === undefined) words.fail('missing', `LOC without its ${what}`);
    return otherwise;
  }
  const m = /^([-+]?\d{1,8})(?:\.(\d{1,2}))?m?$/i.exec(words.word);
  const cm = m === null ? Number.NaN : Number(`${m[1]}${(m[2] ?? '').padEnd(2, '0')}`);
  if (cm >= least && cm <= most && words.next()) return cm;
  const range = `${meters(least)}m to ${meters(most)}m`;
  words.fail('place', `${show(words.word)} is no ${what}: metres from ${range}, such as 10m or 0.50m`);
  return undefined;
}

// One digit and a power of ten, what is below cut off.
function power(cm: number): number {
  let mantissa = cm;
  let exponent = 0;
  for (; mantissa > 9; exponent++) mantissa = Math.floor(mantissa / 10);
  return mantissa * 16 + exponent;
}
