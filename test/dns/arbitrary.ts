// Random names, rdata and zones for properties: binary labels, 255-octet names, empty strings, unknown types.
import fc from 'fast-check';
import { encodeRdata, type FieldValue } from '../../src/dns/rdata.ts';
import { RecordList } from '../../src/dns/records.ts';
import { type Field, RR_TYPES, typeOf } from '../../src/dns/rr.ts';
import { special } from './arbitrary-field.ts';
import { anyName, nameUnder, octets } from './arbitrary-name.ts';

const letters = fc.string({ unit: fc.constantFrom(...'abcXYZ019'), minLength: 1, maxLength: 12 });

function value(field: Field): fc.Arbitrary<FieldValue> {
  switch (field.kind) {
    case 'u8':
      return fc.integer({ min: 0, max: 0xff });
    case 'u16':
    case 'type':
      return fc.integer({ min: 0, max: 0xffff });
    case 'u32':
    case 'time':
      return fc.oneof(fc.integer({ min: 0, max: 0xffffffff }), fc.constant(0xffffffff));
    case 'ip4':
      return octets(4, 4);
    case 'ip6':
      return fc.oneof(
        octets(16, 16),
        fc.array(fc.constantFrom(0, 0, 1), { minLength: 16, maxLength: 16 }).map(a => Uint8Array.from(a)),
      );
    case 'name':
      return anyName;
    case 'string':
      return fc.oneof(octets(0, 20), octets(255, 255));
    case 'tag':
      return field.alnum ? letters.map(s => Uint8Array.from(Buffer.from(s))) : octets(1, 20);
    case 'strings':
      return fc.array(fc.oneof(octets(0, 10), octets(255, 255)), { minLength: 1, maxLength: 4 });
    case 'text':
      return octets(0, 300);
    case 'hex':
    case 'base64':
      return octets(field.optional ? 0 : 1, 40);
    default:
      return special(field.kind);
  }
}

/** Valid uncompressed rdata of a type; of a type without a row, any octets. */
export function rdataOf(type: number): fc.Arbitrary<Uint8Array> {
  const row = typeOf(type);
  if (row === undefined) return octets(0, 60);
  return fc.tuple(...row.fields.map(value)).map(values => encodeRdata(type, values));
}

const type = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...RR_TYPES.map(t => t.code)) },
  { weight: 1, arbitrary: fc.constantFrom(3, 731, 62347, 65535) },
);

/** Lists of well-formed records, whatever they mean together; owners under `origin` or anywhere. */
export function zoneUnder(origin: Uint8Array): fc.Arbitrary<RecordList> {
  const owner = fc.oneof(nameUnder(origin), nameUnder(origin), anyName);
  const ttl = fc.oneof(fc.constantFrom(0, 1, 0x7fffffff), fc.integer({ min: 0, max: 0x7fffffff }));
  const record = type.chain(t =>
    fc.tuple(owner, fc.constant(t), ttl, rdataOf(t), fc.integer({ min: 1, max: 3 })),
  );
  return fc.array(record, { maxLength: 12 }).map(all => {
    const records = new RecordList();
    for (const [name, code, seconds, rdata, times] of all)
      for (let i = 0; i < times; i++) records.add(name, code, seconds, rdata);
    return records;
  });
}
