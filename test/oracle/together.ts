// Fragments put together again before they are compared: where a packet is cut depends on how the kernel happens to hold it
// (in the pieces that it came in, or in one), and a receiver cannot tell.
import { checksum } from './packet.ts';
import { type Sent, toBytes, toText } from './story.ts';

interface Piece {
  key: string;
  from: number;
  data: Buffer;
  header: Buffer;
}

/** `sent` with every whole set of fragments replaced by its packet. What is incomplete stays as it is. */
export function together(sent: readonly Sent[]): Sent[] {
  const out: Sent[] = [];
  const open = new Map<string, { first: Sent; pieces: Piece[]; all: Sent[] }>();
  for (const s of sent) {
    const piece = pieceOf(Buffer.from(toBytes(s.packet)));
    if (piece === undefined) {
      out.push(s);
      continue;
    }
    const key = `${s.side} ${s.hop} ${piece.key}`;
    const set = open.get(key) ?? { first: s, pieces: [], all: [] };
    set.pieces.push(piece);
    set.all.push(s);
    open.set(key, set);
  }
  for (const { first, pieces, all } of open.values()) {
    pieces.sort((a, b) => a.from - b.from);
    let end = 0;
    const whole = pieces.every(p => {
      const fits = p.from === end;
      end += p.data.length;
      return fits;
    });
    if (!whole) out.push(...all);
    else out.push({ ...first, packet: toText(join(pieces)) });
  }
  return out;
}

function pieceOf(packet: Buffer): Piece | undefined {
  if (packet[0] >> 4 === 6) {
    if (packet[6] !== 44) return undefined;
    const header = Buffer.from(packet.subarray(0, 40));
    header[6] = packet[40];
    const key = packet.toString('hex', 8, 40) + packet.toString('hex', 44, 48);
    return { key, from: packet.readUInt16BE(42) & 0xfff8, data: packet.subarray(48), header };
  }
  const field = packet.readUInt16BE(6);
  if ((field & 0x3fff) === 0) return undefined;
  const head = (packet[0] & 15) * 4;
  const key = packet.toString('hex', 4, 6) + packet.toString('hex', 9, 10) + packet.toString('hex', 12, 20);
  return {
    key,
    from: (field & 0x1fff) * 8,
    data: packet.subarray(head),
    header: Buffer.from(packet.subarray(0, head)),
  };
}

function join(pieces: readonly Piece[]): Buffer {
  const { header } = pieces[0];
  const data = Buffer.concat(pieces.map(p => p.data));
  if (header[0] >> 4 === 6) header.writeUInt16BE(data.length, 4);
  else {
    header.writeUInt16BE(header.length + data.length, 2);
    // DF beside fragments: the kernel sets it by what is left of the packet's life before the tunnel.
    header.writeUInt16BE(0, 6);
    header.writeUInt16BE(0, 10);
    header.writeUInt16BE(checksum(header), 10);
  }
  return Buffer.concat([header, data]);
}
