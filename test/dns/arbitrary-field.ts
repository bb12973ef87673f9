// Random valid octets of the kinds in field/, made without the code that is tested with them.
import fc from 'fast-check';
import type { FieldValue } from '../../src/dns/rdata.ts';
import type { FieldKind } from '../../src/dns/rr.ts';
import { anyName, octets } from './arbitrary-name.ts';

type Octets = fc.Arbitrary<Uint8Array>;
const join = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap(p => [...p]));
const two = (n: number) => [n >> 8, n & 255];
const four = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
const counted = (from: number, to: number): Octets => octets(from, to).map(o => join([o.length], o));
const set = (least: number, most: number) =>
  fc.uniqueArray(fc.oneof(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: 64 })), {
    maxLength: 12,
  });

function bitmap(numbers: readonly number[]): Uint8Array {
  const map = new Uint8Array(numbers.length === 0 ? 0 : (Math.max(...numbers) >> 3) + 1);
  for (const n of numbers) map[n >> 3] |= 128 >> (n & 7);
  return map;
}

function windows(codes: readonly number[]): Uint8Array {
  const used = [...new Set(codes.map(c => c >> 8))].sort((a, b) => a - b);
  return join(
    ...used.map(w => {
      const map = bitmap(codes.filter(c => c >> 8 === w).map(c => c & 255));
      return [w, map.length, ...map];
    }),
  );
}

const endpoint = (of: (type: number) => number[]): Octets =>
  fc.oneof(
    fc.constant(Uint8Array.from(of(0))),
    octets(4, 4).map(a => join(of(1), a)),
    octets(16, 16).map(a => join(of(2), a)),
    anyName.map(n => join(of(3), n)),
  );

const size = fc.oneof(
  fc.constant(0),
  fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 })).map(([m, p]) => m * 16 + p),
);
const angle = (most: number) =>
  fc.integer({ min: -most * 3_600_000, max: most * 3_600_000 }).map(n => four(2 ** 31 + n));
const loc = fc
  .tuple(size, size, size, angle(90), angle(180), fc.integer({ min: 0, max: 0xffffffff }))
  .map(([a, b, c, y, x, z]) => join([0, a, b, c], y, x, four(z)));

const prefix = fc
  .tuple(fc.boolean(), fc.boolean(), octets(16, 16), fc.nat(16), fc.nat(128))
  .map(([six, not, address, kept, bits]) => {
    const most = six ? 16 : 4;
    const shown = [...address.subarray(0, Math.min(kept, most))];
    while (shown.length > 0 && shown[shown.length - 1] === 0) shown.pop();
    return join([0, six ? 2 : 1, bits % (most * 8 + 1), shown.length | (not ? 128 : 0)], shown);
  });

// Each parameter there or not; mandatory names some of the others.
const value: readonly [number, Octets][] = [
  [1, fc.array(counted(1, 20), { minLength: 1, maxLength: 3 }).map(ids => join(...ids))],
  [2, octets(0, 0)],
  [3, octets(2, 2)],
  [4, fc.array(octets(4, 4), { minLength: 1, maxLength: 3 }).map(a => join(...a))],
  [5, octets(1, 30)],
  [6, fc.array(octets(16, 16), { minLength: 1, maxLength: 3 }).map(a => join(...a))],
  [7, octets(1, 20)],
  [8, octets(0, 0)],
  [667, octets(0, 20)],
  [65280, octets(0, 300)],
];
const params = fc
  .tuple(fc.tuple(...value.map(([key, octets]) => fc.option(octets.map(v => [key, v] as const)))), fc.nat(3))
  .map(([found, named]) => {
    const there = found.filter(p => p !== null);
    const keys = there.slice(0, named).map(([key]) => key);
    const mandatory = keys.length === 0 ? [] : [[0, Uint8Array.from(keys.flatMap(two))] as const];
    return join(...[...mandatory, ...there].map(([key, v]) => [...two(key), ...two(v.length), ...v]));
  });

/** Valid values of a kind that has a file in field/. */
export function special(kind: FieldKind): fc.Arbitrary<FieldValue> {
  switch (kind) {
    case 'date':
      return fc.integer({ min: 0, max: 0xffffffff });
    case 'types':
      return set(1, 65535).map(windows);
    case 'oldTypes':
      return set(1, 127).map(bitmap);
    case 'ports':
      return set(0, 4000).map(bitmap);
    case 'salt':
      return counted(0, 255);
    case 'hash32':
      return counted(1, 40);
    case 'loc':
      return loc;
    case 'service':
      return params;
    case 'apl':
      return fc.array(prefix, { maxLength: 4 }).map(p => join(...p));
    case 'eui48':
      return octets(6, 6);
    case 'eui64':
    case 'ilnp':
      return octets(8, 8);
    case 'nsap':
      return octets(1, 20);
    case 'subaddress':
      return fc.oneof(octets(0, 0), counted(0, 20));
    case 'gateway':
      return fc.nat(255).chain(algorithm => endpoint(type => [type, algorithm]));
    case 'relay':
      return fc.boolean().chain(d => endpoint(type => [d ? type + 128 : type]));
    case 'hip':
      return fc
        .tuple(octets(1, 20), fc.nat(255), octets(1, 40))
        .map(([tag, algorithm, key]) => join([tag.length, algorithm], two(key.length), tag, key));
    case 'names':
      return fc.array(anyName, { maxLength: 3 }).map(n => join(...n));
    default:
      throw new Error(`no values for ${kind}`);
  }
}
