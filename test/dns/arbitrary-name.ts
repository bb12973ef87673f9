// Random octets and names for properties: binary labels, names up to 255 octets.
import fc from 'fast-check';

const octet = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(...Buffer.from('.@$\\"();# \t\n\r09azAZ_-*')),
);
/** Octets, those that text has to escape more often than others. */
export const octets = (minLength: number, maxLength: number) =>
  fc.array(octet, { minLength, maxLength }).map(a => Uint8Array.from(a));
const label = fc.oneof({ weight: 6, arbitrary: octets(1, 12) }, { weight: 1, arbitrary: octets(63, 63) });

/** Wire names; `under` (wire) is appended, and as many labels kept as fit into 255 octets. */
export function nameUnder(under: Uint8Array): fc.Arbitrary<Uint8Array> {
  return fc.array(label, { maxLength: 6 }).map(labels => {
    let length = under.length;
    const parts: Uint8Array[] = [];
    for (const l of labels) {
      if (length + l.length + 1 > 255) break;
      length += l.length + 1;
      parts.push(Uint8Array.of(l.length), l);
    }
    return Uint8Array.from(Buffer.concat([...parts, under]));
  });
}

export const anyName = nameUnder(Uint8Array.of(0));
