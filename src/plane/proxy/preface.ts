// The PROXY protocol's header (haproxy.org/download/2.8/doc/proxy-protocol.txt), version 1 in text and 2 in binary: who the
// client is and what it asked for, told before the first byte of a connection or in front of each datagram.
// Invariant: no header longer than LONGEST is waited for; TLVs are read over and none is written.
import { formatIp, parseIp } from '../../kit/ip.ts';

/** Both ends of a client's connection as the client sees them. */
export interface Ends {
  address: string;
  port: number;
  /** What the client asked for. */
  toAddress: string;
  toPort: number;
}

/** What stands at the beginning of a stream: a header of `length` bytes; undefined `ends`: it tells none, so the socket's count. */
export interface Preface {
  length: number;
  ends?: Ends;
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** The longest header of version 1, its line end included. */
const LONGEST_V1 = 107;
/** The longest header of version 2 that is taken: addresses and as many TLVs as front ends send. */
export const LONGEST = 4096;
const HEAD = 16;
const V1 =
  /^PROXY (?:UNKNOWN(?: [^\r]*)?|TCP([46]) ([0-9a-fA-F:.]+) ([0-9a-fA-F:.]+) (0|[1-9]\d{0,4}) (0|[1-9]\d{0,4}))\r\n$/;

/** Reads the header that `bytes` begin with; `more` when it is not whole yet, `bad` when it is none. */
export function readPreface(bytes: Buffer): Preface | 'more' | 'bad' {
  const known = Math.min(bytes.length, SIGNATURE.length);
  if (bytes.compare(SIGNATURE, 0, known, 0, known) === 0)
    return bytes.length < HEAD ? 'more' : readBinary(bytes);
  return readText(bytes);
}

function readText(bytes: Buffer): Preface | 'more' | 'bad' {
  const end = bytes.subarray(0, LONGEST_V1).indexOf('\r\n');
  if (end < 0) {
    const begins = 'PROXY '.startsWith(bytes.toString('latin1', 0, Math.min(6, bytes.length)));
    return begins && bytes.length < LONGEST_V1 ? 'more' : 'bad';
  }
  const m = V1.exec(bytes.toString('latin1', 0, end + 2));
  if (m === null) return 'bad';
  const length = end + 2;
  const [, family, from, to] = m;
  if (family === undefined) return { length };
  const [source, target] = [parseIp(from), parseIp(to)];
  const size = family === '4' ? 4 : 16;
  const [port, toPort] = [Number(m[4]), Number(m[5])];
  if (source?.length !== size || target?.length !== size || port > 65535 || toPort > 65535) return 'bad';
  return { length, ends: { address: formatIp(source), port, toAddress: formatIp(target), toPort } };
}

function readBinary(bytes: Buffer): Preface | 'more' | 'bad' {
  const command = bytes[12];
  const family = bytes[13] >> 4;
  const length = HEAD + bytes.readUInt16BE(14);
  if (command >> 4 !== 2 || (command & 15) > 1 || family > 3 || (bytes[13] & 15) > 2 || length > LONGEST)
    return 'bad';
  if (bytes.length < length) return 'more';
  // LOCAL: the front end itself asks. UNSPEC, and sockets of a file system: nothing that we could go by.
  if ((command & 15) === 0 || family === 0 || family === 3) return { length };
  const size = family === 1 ? 4 : 16;
  if (length < HEAD + 2 * size + 4) return 'bad';
  const ports = HEAD + 2 * size;
  return {
    length,
    ends: {
      address: formatIp(bytes, HEAD, size),
      port: bytes.readUInt16BE(ports),
      toAddress: formatIp(bytes, HEAD + size, size),
      toPort: bytes.readUInt16BE(ports + 2),
    },
  };
}

/** The header that tells a real server of `ends`. Without two addresses of one family it says that nothing is known. */
export function writePreface(version: 'v1' | 'v2', protocol: 'tcp' | 'udp', ends: Ends): Buffer {
  // The zone of a link-local address (fe80::1%eth0) has no place in it.
  const [source, target] = [parseIp(ends.address.split('%', 1)[0]), parseIp(ends.toAddress.split('%', 1)[0])];
  const known = source !== undefined && source.length === target?.length;
  if (version === 'v1') {
    const { port, toPort } = ends;
    return Buffer.from(
      known
        ? `PROXY TCP${source.length === 4 ? 4 : 6} ${formatIp(source)} ${formatIp(target)} ${port} ${toPort}\r\n`
        : 'PROXY UNKNOWN\r\n',
    );
  }
  const body = known ? 2 * source.length + 4 : 0;
  const out = Buffer.alloc(HEAD + body);
  out.set(SIGNATURE, 0);
  out[12] = 0x21;
  out.writeUInt16BE(body, 14);
  if (!known) return out;
  out[13] = (source.length === 4 ? 0x10 : 0x20) | (protocol === 'tcp' ? 1 : 2);
  out.set(source, HEAD);
  out.set(target, HEAD + source.length);
  out.writeUInt16BE(ends.port, HEAD + body - 4);
  out.writeUInt16BE(ends.toPort, HEAD + body - 2);
  return out;
}
