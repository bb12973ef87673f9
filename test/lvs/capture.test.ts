// Capture files: both byte orders, both precisions, pcapng, links; and that what lies about its length is refused.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GtmError } from '../../src/kit/errors.ts';
import { seeded } from '../../src/kit/rng.ts';
import { type Captured, readCapture } from '../../src/lvs/simulate/capture.ts';
import { tcp, udp } from './build.ts';
import { CLIENT, CLIENT6, VIP, VIP6 } from './rig.ts';

const PACKET = tcp({ from: CLIENT, to: VIP });
const SIX = udp({ from: CLIENT6, to: VIP6 });
const MACS = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];

function words(little: boolean, ...values: number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  values.forEach((v, i) => {
    view.setUint32(i * 4, v >>> 0, little);
  });
  return new Uint8Array(view.buffer);
}

function join(...parts: (Uint8Array | readonly number[])[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(p => [...p]));
}

/** A classic file; times in units of its precision after 1000 s. */
function pcap(link: number, frames: Uint8Array[], little = true, nano = false): Uint8Array {
  const version = little ? 0x00040002 : 0x00020004;
  const head = words(little, nano ? 0xa1b23c4d : 0xa1b2c3d4, version, 0, 0, 65_535, link);
  return join(head, ...frames.map((f, i) => join(words(little, 1000, i * 2500, f.length, f.length), f)));
}

function block(little: boolean, type: number, body: Uint8Array): Uint8Array {
  const padded = join(body, new Uint8Array(-body.length & 3));
  const size = padded.length + 12;
  return join(words(little, type, size), padded, words(little, size));
}

/** A pcapng file with one interface of this link; nanoseconds. */
function pcapng(link: number, frames: Uint8Array[], little = true): Uint8Array {
  const section = block(little, 0x0a0d0d0a, words(little, 0x1a2b3c4d, little ? 1 : 1 << 16, -1, -1));
  const half = (v: number) => (little ? [v & 255, v >> 8] : [v >> 8, v & 255]);
  const resolution = [...half(9), ...half(1), 9, 0, 0, 0, ...half(0), ...half(0)];
  const face = block(little, 1, join(half(link), half(0), words(little, 0), resolution));
  const records = frames.map((f, i) =>
    block(little, 6, join(words(little, 0, 0, i * 2_500_000, f.length, f.length), f)),
  );
  return join(section, face, block(little, 0x0bad, Uint8Array.of(1)), ...records);
}

function read(bytes: Uint8Array): Captured[] {
  return [...readCapture(bytes)];
}

describe('formats', () => {
  for (const little of [true, false]) {
    const order = little ? 'little-endian' : 'big-endian';
    for (const nano of [false, true])
      it(`pcap, ${order}, ${nano ? 'nanoseconds' : 'microseconds'}`, () => {
        const records = read(pcap(101, [PACKET, SIX], little, nano));
        assert.deepEqual(
          records.map(r => [r.number, Number(r.time.toFixed(6)), r.packet]),
          [
            [1, 0, PACKET],
            [2, nano ? 0.0025 : 2.5, SIX],
          ],
        );
      });
    it(`pcapng, ${order}`, () => {
      const records = read(pcapng(101, [PACKET, SIX], little));
      assert.deepEqual(
        records.map(r => [r.number, Number(r.time.toFixed(6)), r.packet]),
        [
          [1, 0, PACKET],
          [2, 2.5, SIX],
        ],
      );
    });
  }

  it('pcapng: a simple packet block', () => {
    const file = join(pcapng(101, []), block(true, 3, join(words(true, PACKET.length), PACKET)));
    assert.deepEqual(read(file), [{ number: 1, time: 0, packet: PACKET }]);
  });
});

describe('links', () => {
  const rows: [string, number, Uint8Array, Partial<Captured>][] = [
    ['Ethernet', 1, join(MACS, [8, 0], PACKET), { packet: PACKET }],
    ['Ethernet, padded', 1, join(MACS, [8, 0], PACKET, new Uint8Array(6)), { packet: PACKET }],
    ['Ethernet, IPv6', 1, join(MACS, [0x86, 0xdd], SIX), { packet: SIX }],
    ['two VLAN tags', 1, join(MACS, [0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0], PACKET), { packet: PACKET }],
    ['ARP', 1, join(MACS, [8, 6], new Uint8Array(28)), { skipped: 'ARP' }],
    ['another EtherType', 1, join(MACS, [0x88, 0xcc, 0]), { skipped: 'EtherType 0x88cc' }],
    ['Ethernet, cut', 1, Uint8Array.from(MACS), { skipped: 'cut' }],
    ['raw IP', 101, PACKET, { packet: PACKET }],
    ['raw, no IP', 101, Uint8Array.of(0, 1, 2), { skipped: 'no IP' }],
    ['raw, cut', 101, PACKET.slice(0, 10), { skipped: 'cut' }],
    ['BSD loopback', 0, join([2, 0, 0, 0], PACKET), { packet: PACKET }],
    ['Linux cooked', 113, join(new Uint8Array(14), [8, 0], PACKET), { packet: PACKET }],
    ['Linux cooked 2', 276, join([0x86, 0xdd], new Uint8Array(18), SIX), { packet: SIX }],
    ['a link that is not known', 105, PACKET, { skipped: 'link type 105' }],
  ];
  for (const [what, link, frame, expected] of rows)
    it(what, () => {
      const [{ packet, skipped, mac }] = read(pcap(link, [frame]));
      assert.deepEqual({ ...(packet && { packet }), ...(skipped && { skipped }) }, expected);
      if (what === 'Ethernet')
        assert.deepEqual(mac, { source: '02:00:00:00:00:02', destination: '02:00:00:00:00:01' });
    });
});

describe('files that are broken', () => {
  it('no capture', () => {
    assert.throws(() => read(new Uint8Array(10)), { code: 'GTM_CAPTURE' });
    assert.throws(() => read(new Uint8Array(100)), { code: 'GTM_CAPTURE' });
  });

  it('cut anywhere: the records before it, then a fault, and never more', () => {
    for (const whole of [pcap(101, [PACKET, SIX]), pcapng(101, [PACKET, SIX])])
      for (let size = 0; size < whole.length; size++) {
        const got: Captured[] = [];
        let fault: unknown;
        try {
          for (const r of readCapture(whole.subarray(0, size))) got.push(r);
        } catch (e) {
          fault = e;
        }
        assert.ok(got.length < 2);
        if (fault !== undefined) assert.ok(fault instanceof GtmError && fault.code === 'GTM_CAPTURE');
      }
  });

  it('mutated: a fault or records, nothing else', () => {
    const rng = seeded(5);
    const files = [pcap(1, [join(MACS, [8, 0], PACKET)]), pcapng(101, [PACKET, SIX])];
    for (let i = 0; i < 5000; i++) {
      const bytes = files[i % 2].slice();
      for (let n = 0; n < 4; n++) bytes[rng() % bytes.length] = rng();
      try {
        for (const { packet } of readCapture(bytes)) assert.ok((packet?.length ?? 0) <= bytes.length);
      } catch (e) {
        assert.ok(e instanceof GtmError, String(e));
      }
    }
  });
});
