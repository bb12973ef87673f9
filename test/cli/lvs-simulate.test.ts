// `gtm lvs simulate`: the picture and its data, from flags and from a capture file; and what is refused.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EXIT } from '../../src/cli/exit.ts';
import { answerTo, firstPacket } from '../../src/lvs/simulate/craft.ts';
import { inside } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'gtm-simulate-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const CONFIG = file(
  'gtm.yaml',
  `cluster: example
sites: { fra: {} }
nodes:
  d1: { site: fra, dns: { listen: ["192.0.2.1:53"] }, director: { plane: xdp } }
  d2: { site: fra, dns: { listen: ["192.0.2.2:53"] } }
vips:
${['nat', 'dr', 'tun', 'fullnat']
  .map(
    (mode, i) => `  ${mode}-vip:
    site: fra
    addresses: [192.0.2.1${i}, "2001:db8:2::1${i}"]
    services:
      - protocol: tcp
        port: 80
        forward: ${mode}
        ${mode === 'fullnat' ? 'local_addresses: [192.0.2.100, "2001:db8:2::100"]' : 'scheduler: wlc'}
        real_servers:
          - { name: web-four, address: 10.0.0.1, port: 80, weight: 2 }
          - { name: web-six, address: "2001:db8:3::1", port: 80 }
`,
  )
  .join('')}zones: {}
`,
);
const run = (...args: string[]) => inside(['lvs', 'simulate', '-c', CONFIG, ...args]);

describe('the picture', () => {
  for (const [i, mode] of ['nat', 'dr', 'tun', 'fullnat'].entries())
    for (const to of [`192.0.2.1${i}:80`, `[2001:db8:2::1${i}]:80`])
      it(`${mode} to ${to}: plain text that fits a terminal of 100 columns`, async () => {
        const { code, out, err } = await run('--to', to);
        assert.deepEqual([code, err], [EXIT.ok, '']);
        for (const line of out.split('\n')) assert.ok(line.length <= 100, line);
        for (const word of ['THE REQUEST', 'PREROUTING', 'LOCAL_IN', 'lvs-in', 'WHY web-', 'THE ANSWER'])
          assert.ok(out.includes(word), `${word}:\n${out}`);
      });

  it('of DR: the frame and a hop are new, nothing else; the answer does not pass the director', async () => {
    const { out } = await run('--to', '192.0.2.11:80', '--from', '198.51.100.9:1234');
    const boxes = out.split('\n').filter(l => l.startsWith('| '));
    assert.deepEqual(
      boxes.map(l => l.replace(/ +\|$/, '')),
      [
        '|   MAC  mac(client-gw) > mac(d1)',
        '|   IPv4 198.51.100.9 > 192.0.2.11   ttl 64 DF',
        '|   TCP  1234 > 80   SYN, seq 1000, mss 1460',
        '| * MAC  mac(d1) > mac(web-four)',
        '| * IPv4 198.51.100.9 > 192.0.2.11   ttl 63 DF',
        '|   TCP  1234 > 80   SYN, seq 1000, mss 1460',
        '|   MAC  mac(web-four) > mac(web-four-gw)',
        '|   IPv4 192.0.2.11 > 198.51.100.9   ttl 64 DF',
        '|   TCP  80 > 1234   SYN ACK, seq 5000, mss 1460',
      ],
    );
    assert.match(out, /from web-four, past d1/);
  });

  it('as data', async () => {
    const { out } = await run('--json');
    const body = JSON.parse(out);
    assert.deepEqual([body.kind, body.node, body.request.reason], ['Journey', 'd1', 'scheduled']);
    assert.deepEqual([body.server.key, body.answer.through], ['10.0.0.1:80', true]);
    assert.equal(body.request.stops[1].hooks[1].name, 'lvs-in');
  });

  it('a node whose plane is sockets is told of, and drawn all the same', async () => {
    const { code, out, err } = await inside(['lvs', 'simulate', '-c', 'zones/gtm.yaml']);
    assert.equal(code, EXIT.ok);
    assert.match(err, /^node fra-1 has plane proxy/);
    assert.match(out, /> 127\.1\.1\.\d/);
  });
});

describe('a capture file', () => {
  const from = { address: '198.51.100.7', port: 1234 };
  const to = { address: '192.0.2.10', port: 80 };
  const syn = firstPacket('tcp', from, to);
  const translated = firstPacket('tcp', from, { address: '10.0.0.1', port: 80 });
  const back = answerTo(translated) as Uint8Array;
  const record = (time: number, packet: Uint8Array) => {
    const head = new DataView(new ArrayBuffer(16));
    [0, time, packet.length, packet.length].forEach((v, i) => {
      head.setUint32(4 * i, v);
    });
    return [...new Uint8Array(head.buffer), ...packet];
  };
  const head = [0xa1, 0xb2, 0xc3, 0xd4, 0, 2, 0, 4, ...new Uint8Array(8), 0, 0, 0xff, 0xff, 0, 0, 0, 101];
  const all = [record(0, syn), record(1000, back), record(2000, Uint8Array.of(0))].flat();
  const capture = file('two.pcap', Uint8Array.from([...head, ...all]));

  it('one line for each packet, with verdict and reason; state goes from one to the next', async () => {
    const { code, out } = await run(capture);
    assert.equal(code, EXIT.ok);
    assert.deepEqual(out.split('\n'), [
      '     1     0.000000  tcp 198.51.100.7:1234 > 192.0.2.10:80 SYN  transmit scheduled  to 10.0.0.1:80',
      '     2     0.001000  tcp 10.0.0.1:80 > 198.51.100.7:1234 SYN ACK  transmit answered  of 10.0.0.1:80',
      '     3     0.002000  no IP  skipped',
      '',
    ]);
    const list = JSON.parse((await run(capture, '--json')).out);
    assert.equal(list.items[1].leaves, 'tcp 192.0.2.10:80 > 198.51.100.7:1234 SYN ACK');
  });

  it('one of them in full, after those before it', async () => {
    const { out } = await run(capture, '--packet', '2');
    assert.match(out, /FORWARD .*\n.*\n?.*decides: answered/);
    assert.match(out, /\* IPv4 192\.0\.2\.10 > 198\.51\.100\.7 {3}ttl 63/);
    assert.equal(JSON.parse((await run(capture, '--packet', '1', '--json')).out).number, 1);
  });

  it('what is refused', async () => {
    const broken = file('broken.pcap', Uint8Array.from([...head, ...all]).subarray(0, 70));
    const rows: [string[], RegExp, number][] = [
      [[capture, '--packet', '9'], /--packet 9: .* has 3 packets/, EXIT.usage],
      [[capture, '--packet', '3'], /packet 3 is no IP packet: no IP/, EXIT.usage],
      [[capture, '--packet', 'x'], /--packet: «x» is not a number/, EXIT.usage],
      [[capture, '--to', '192.0.2.10:80'], /--to is for one packet/, EXIT.usage],
      [['--packet', '1'], /--packet is a number in a capture file/, EXIT.usage],
      [[join(folder, 'none.pcap')], /cannot read the capture file/, EXIT.usage],
      [[CONFIG], /neither pcap nor pcapng/, EXIT.refused],
      [[broken], /record 1, at byte 24: cut off/, EXIT.refused],
      [['--protocol', 'sctp'], /«sctp» is neither tcp nor udp/, EXIT.usage],
      [['--from', '198.51.100.7'], /--from: «198.51.100.7» is not ADDRESS:PORT/, EXIT.usage],
      [['--from', '[2001:db8::1]:1', '--to', '192.0.2.10:80'], /of one family/, EXIT.usage],
      [['--protocol', 'udp'], /no service fits: say --to/, EXIT.usage],
      [['--node', 'd2'], /node d2 of .* is no director/, EXIT.usage],
      [['--node', 'd3'], /has no node «d3»; did you mean «d1»/, EXIT.usage],
    ];
    for (const [args, text, expected] of rows) {
      const { code, err } = await run(...args);
      assert.match(err, text, args.join(' '));
      assert.equal(code, expected, err);
    }
  });
});
