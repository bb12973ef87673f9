// A compiled block back into records: what is served, and not what a file may say by now. Owners come in lower case, in the
// order of the tree. Off the hot path.
import { nameLength } from '../name.ts';
import { RecordList } from '../records.ts';
import { TYPE } from '../rr.ts';
import { H, N, NODE_WORDS, R, RRSET_WORDS } from './layout.ts';

/** The records of a block (Zones.block); a POOL record holds what `poolName` makes of the pool's number. */
export function unpackZone(block: Uint8Array, poolName: (pool: number) => string): RecordList {
  const words = new Uint32Array(block.buffer, block.byteOffset, block.length >> 2);
  const records = new RecordList();
  for (let node = 0; node < words[H.nodeCount]; node++) {
    const row = words[H.nodes] + node * NODE_WORDS;
    const sets = words[row + N.info] & 0xffff;
    if (sets === 0) continue;
    const owner = ownerOf(block, words, node);
    for (let i = 0; i < sets; i++) {
      const set = words[H.rrsets] + (words[row + N.first] + i) * RRSET_WORDS;
      const type = words[set + R.type] & 0xffff;
      const ttl = words[set + R.ttl];
      if (type === TYPE.POOL) {
        const name = Buffer.from(poolName(words[set + R.data]), 'utf8');
        records.add(owner, type, ttl, Uint8Array.from([name.length, ...name]));
      } else
        for (const rdata of rdataOf(block, words[H.rdata] + words[set + R.data]))
          records.add(owner, type, ttl, rdata);
    }
  }
  return records;
}

function ownerOf(block: Uint8Array, words: Uint32Array, start: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let node = start; node !== 0; ) {
    const row = words[H.nodes] + node * NODE_WORDS;
    const label = words[H.labels] + words[row + N.label];
    parts.push(block.subarray(label, label + 1 + block[label]));
    node = words[row + N.parent];
  }
  const origin = words[H.origin];
  parts.push(block.subarray(origin, origin + nameLength(block, origin)));
  return Uint8Array.from(Buffer.concat(parts));
}

function* rdataOf(block: Uint8Array, start: number): Generator<Uint8Array> {
  const u16 = (at: number) => block[at] | (block[at + 1] << 8);
  let at = start + 2;
  for (let left = u16(start); left > 0; left--) {
    const length = u16(at);
    yield block.subarray(at + 2, at + 2 + length);
    at += 2 + length;
  }
}
