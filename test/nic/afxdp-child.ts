// Run in a network namespace of its own: two veth pairs, one UMEM over both and two queues each; what comes in by one goes out by the other.
//   out0 → in0 ═ XDP ═ AF_XDP (here) ═ in1 → out1       prints what happened as one line of JSON
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { closeXsk, openXsk, readStatistics, Xsk, type XskPlace } from '../../src/nic/afxdp.ts';
import { beat } from '../../src/nic/alive.ts';
import type { Attach } from '../../src/nic/bpf.ts';
import { POLLFD, POLLIN } from '../../src/nic/layout.ts';
import { openLibc } from '../../src/nic/libc.ts';
import { openRtnetlink } from '../../src/nic/rtnetlink.ts';
import { openSteer } from '../../src/nic/steer.ts';
import { HEADROOM, mapUmem, Umem, unmapUmem } from '../../src/nic/umem.ts';
import { planOf } from '../../src/plane/xdp/plan.ts';
import { udp } from '../lvs/build.ts';
import { spec } from '../plane/xdp-specs.ts';
import { frame } from './frames.ts';

const ETH_P_IP = 0x0800;
const AF_PACKET = 17;
const FRAMES = 1024;
const COUNT = 3000;

const libc = await openLibc();
const sh = (line: string) => execFileSync(line.split(' ')[0], line.split(' ').slice(1));
for (const i of [0, 1]) {
  sh(
    `ip link add in${i} numtxqueues 2 numrxqueues 2 type veth peer name out${i} numtxqueues 2 numrxqueues 2`,
  );
  sh(`ip link set in${i} up`);
  sh(`ip link set out${i} up`);
}
const fds = openFds();
const rt = openRtnetlink(libc);
const links = rt.links();
rt.close();
const link = (name: string) => {
  const found = links.find(l => l.name === name);
  assert.ok(found);
  return found;
};

/** Descriptors of sockets, BPF objects and the like. */
function openFds(): number {
  return readdirSync('/proc/self/fd').filter(n => {
    try {
      return /bpf|socket|net\/tun/.test(readlinkSync(`/proc/self/fd/${n}`));
    } catch {
      return false;
    }
  }).length;
}

function mapped(): number {
  return readFileSync(`/proc/${process.pid}/maps`, 'utf8')
    .split('\n')
    .filter(l => /xsk|bpf-map/i.test(l)).length;
}

/** An AF_PACKET socket on a link: a raw end of the wire. */
function wire(name: string): number {
  const fd = libc.socket(AF_PACKET, 3 | 0x800, 0);
  const at = new Uint8Array(20);
  const view = new DataView(at.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ETH_P_IP);
  view.setUint32(4, link(name).index, true);
  libc.bind(fd, at);
  libc.setOption(fd, 1, 8, 1 << 22);
  return fd;
}

async function round(attach: Attach, tags: readonly [number, number][]) {
  const steer = openSteer(libc);
  const place = mapUmem(libc, FRAMES * 4, 2048);
  const places: XskPlace[] = [];
  for (const [slot, name] of ['in0', 'in1'].entries())
    for (const queue of [0, 1]) {
      places.push(
        await openXsk(libc, {
          umem: place,
          shared: places[0]?.fd,
          interfaceIndex: link(name).index,
          queue,
          ring: 256,
          copy: 'auto',
        }),
      );
      steer.watch(slot, link(name).index, 2, link(name).mac as Uint8Array);
      steer.socket(slot, queue, places.at(-1)?.fd as number);
    }
  steer.set(planOf([spec('udp 192.0.2.10:53', 'dr', ['10.0.0.1:53'])], []));
  const attached = ['in0', 'in1'].map(name => steer.bpf.attach(steer.program, link(name).index, attach));
  const umem = new Umem(libc, place);
  const xsks = places.map(p => new Xsk(libc, umem, p));
  for (const x of xsks) x.refill();
  const set = new Int32Array(new ArrayBuffer(POLLFD.size * 4));
  for (const [i, x] of xsks.entries()) set.set([x.fd, POLLIN], i * 2);
  const [from, to] = [wire('out0'), wire('out1')];
  const buffer = new Uint8Array(new ArrayBuffer(2048));
  const at = libc.address(buffer.buffer);
  const seen = new Set<number>();
  let whole = 0;
  let sent = 0;
  const payload = new Uint8Array(100);
  const read = () => {
    for (let n = libc.read(to, at, 2048); n > 0; n = libc.read(to, at, 2048)) {
      // What an AF_PACKET socket hears of its own sending does not count: in0 and out1 are different links.
      const start = n - payload.length;
      const id = (buffer[start] << 8) | buffer[start + 1];
      if (buffer.subarray(start + 2, n).every(b => b === (id & 255))) whole++;
      seen.add(id);
    }
  };
  const until = performance.now() + 20_000;
  while (seen.size < COUNT && performance.now() < until) {
    const [s, ns] = process.hrtime();
    steer.alive.fill(beat(s * 1e9 + ns));
    for (let k = 0; k < 64 && sent < COUNT; k++, sent++) {
      payload.fill(sent & 255).set([sent >> 8, sent & 255]);
      const packet = frame(
        udp({ from: `198.51.100.7:${1024 + sent}`, to: '192.0.2.10:53', payload }),
        tags,
        link('in0').mac as Uint8Array,
      );
      buffer.set(packet);
      libc.write(from, at, packet.length);
    }
    libc.poll(libc.address(set.buffer), 4, 1);
    for (const x of xsks.slice(0, 2)) {
      const out = xsks[2];
      const { rx } = x;
      const n = rx.waiting();
      for (let i = 0; i < n; i++) {
        const d = (rx.index & rx.mask) * 4;
        assert.equal((rx.entries[d] & 2047) - HEADROOM, 0);
        assert.ok(out.send(rx.entries[d], rx.entries[d + 2]));
        rx.index++;
      }
      if (n > 0) rx.release();
      out.flush();
    }
    for (const x of xsks) {
      x.reclaim();
      x.refill();
    }
    read();
  }
  const statistics = places.slice(0, 2).map(p => readStatistics(libc, p.fd));
  const taken = steer.counters();
  const { zeroCopy } = places[0];
  for (const fd of [from, to, ...attached]) libc.close(fd);
  for (const p of places) closeXsk(libc, p);
  unmapUmem(libc, place);
  steer.close();
  return { attach, seen: seen.size, whole, sent, taken, zeroCopy, dropped: statistics.map(s => s.dropped) };
}

const rounds = [await round('native', []), await round('generic', []), await round('native', [[0x8100, 7]])];
console.log(JSON.stringify({ rounds, fds: openFds() - fds, maps: mapped() }));
