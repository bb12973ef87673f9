// The records of a zone as another server sends them: AXFR over TCP (RFC 5936), rdata decompressed.
import { once } from 'node:events';
import { connect } from 'node:net';
import { decompressName, decompressRdata } from '../../src/dns/rdata.ts';
import { RecordList } from '../../src/dns/records.ts';
import { TYPE } from '../../src/dns/rr.ts';

/** All records but the last SOA; undefined if the server does not give them (yet). */
export async function axfr(port: number, origin: Uint8Array): Promise<RecordList | undefined> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    const question = [...origin, 0, TYPE.AXFR, 0, 1];
    socket.write(Uint8Array.from([0, 12 + question.length, 7, 7, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...question]));
    const records = new RecordList();
    let bytes = Buffer.alloc(0);
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      bytes = Buffer.concat([bytes, chunk]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const length = bytes.readUInt16BE(0);
        const end = take(bytes.subarray(2, 2 + length), records);
        if (end !== 'more') return end === 'done' ? records : undefined;
        bytes = bytes.subarray(2 + length);
      }
    }
    return undefined;
  } catch {
    return undefined;
  } finally {
    socket.destroy();
  }
}

// The records of one message. The second SOA ends the transfer.
function take(message: Buffer, records: RecordList): 'more' | 'done' | 'refused' {
  if ((message[3] & 15) !== 0) return 'refused';
  let at = 12;
  for (let i = 0; i < message.readUInt16BE(4); i++) at = name(message, at).end + 4;
  for (let i = 0; i < message.readUInt16BE(6); i++) {
    const owner = name(message, at);
    const type = message.readUInt16BE(owner.end);
    const length = message.readUInt16BE(owner.end + 8);
    const rdata = decompressRdata(message, owner.end + 10, length, type);
    if (rdata === undefined) throw new Error(`malformed rdata of type ${type}`);
    if (type === TYPE.SOA && records.count > 0) return 'done';
    records.add(owner.wire, type, message.readUInt32BE(owner.end + 4), rdata);
    at = owner.end + 10 + length;
  }
  return 'more';
}

function name(message: Uint8Array, at: number): { wire: Uint8Array; end: number } {
  const found = decompressName(message, at);
  if (found === undefined) throw new Error('malformed name');
  return found;
}
