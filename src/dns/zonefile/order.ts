// Records in canonical order (RFC 4034 §6.1, §6.3), the apex with its SOA and NS at the head: so that two prints of one
// zone are the same text, however its file is written.
import { lower } from '../name.ts';
import { compareRdata } from '../rdata.ts';
import { RecordList } from '../records.ts';
import { TYPE } from '../rr.ts';

/** The records in canonical order, each once; places are kept. */
export function inOrder(records: RecordList): RecordList {
  const keys: string[] = [];
  for (let i = 0; i < records.count; i++)
    keys.push(i > 0 && records.owner[i] === records.owner[i - 1] ? keys[i - 1] : ownerKey(records, i));
  const { type } = records;
  const order = Array.from({ length: records.count }, (_, i) => i).sort(
    (a, b) =>
      compareText(keys[a], keys[b]) ||
      rank(type[a]) - rank(type[b]) ||
      compareRdata(type[a], records.rdataBytes(a), records.rdataBytes(b)),
  );
  const out = new RecordList();
  out.files.push(...records.files);
  let last = -1;
  for (const i of order) {
    const again = last >= 0 && keys[i] === keys[last] && type[i] === type[last];
    if (again && compareRdata(type[i], records.rdataBytes(i), records.rdataBytes(last)) === 0) continue;
    const { file, line, col, ttl } = records;
    out.add(records.ownerBytes(i), type[i], ttl[i], records.rdataBytes(i), file[i], line[i], col[i]);
    last = i;
  }
  return out;
}

/** A text for the owner of record `i`, the same whatever its case; texts sort as names do, from the root's side. */
export function ownerKey(records: RecordList, i: number): string {
  const { bytes } = records;
  const labels: string[] = [];
  for (let at = records.owner[i]; bytes[at] !== 0; at += 1 + bytes[at]) {
    let label = '';
    // One up, so that the end of a label sorts before any octet.
    for (let k = at + 1; k <= at + bytes[at]; k++) label += String.fromCharCode(lower(bytes[k]) + 1);
    labels.push(label);
  }
  return labels.reverse().join('\0');
}

function rank(type: number): number {
  return type === TYPE.SOA ? -2 : type === TYPE.NS ? -1 : type;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
