// A zone as a master file: RecordList → text, one record a line in the order of the list, each with its owner and TTL,
// so that lines can be sorted and compared. Invariant: parseZone(printZone(records)) gives the same records.
import { formatName, relativeName } from '../name.ts';
import { printRdata } from '../rdata-text.ts';
import type { RecordList } from '../records.ts';
import { typeText } from '../rr.ts';

/** The text of a zone; names relative to `origin` (wire), or all of them absolute. */
export function printZone(
  records: RecordList,
  origin: Uint8Array,
  options: { absolute?: boolean } = {},
): string {
  const base = options.absolute === true ? undefined : origin;
  const lines = [`$ORIGIN ${formatName(origin)}`];
  let owner = '';
  for (let i = 0; i < records.count; i++) {
    const bytes = records.ownerBytes(i);
    // Consecutive records of one owner share its bytes.
    if (i === 0 || records.owner[i] !== records.owner[i - 1])
      owner = (base === undefined ? formatName(bytes) : relativeName(bytes, base)).padEnd(23);
    const ttl = String(records.ttl[i]).padStart(7);
    const type = typeText(records.type[i]).padEnd(5);
    const rdata = printRdata(records.type[i], records.rdataBytes(i), base);
    lines.push(`${owner} ${ttl} IN ${type} ${rdata}`);
  }
  return `${lines.join('\n')}\n`;
}
