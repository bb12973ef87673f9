// gtm lvs simulate: the way of a packet through the packet core, at every hook, and that of its answer. From a 5-tuple, or from a
// capture file, whose packets come one after another with their own times.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { GtmError, reason } from '../../kit/errors.ts';
import { parseEndpoint } from '../../kit/ip.ts';
import { type Captured, readCapture } from '../../lvs/simulate/capture.ts';
import { type Endpoint, firstPacket } from '../../lvs/simulate/craft.ts';
import { type Journey, journey } from '../../lvs/simulate/journey.ts';
import { arrivalMac, Simulator } from '../../lvs/simulate/simulator.ts';
import type { Config } from '../../model/schema.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { type Context, say, writeJson } from '../context.ts';
import { EXIT } from '../exit.ts';
import { packetText, picture } from '../lvs-picture.ts';
import { nodeServices } from '../node-services.ts';

const SAMPLE = {
  4: { address: '198.51.100.7', port: 40_000 },
  6: { address: '2001:db8:1::7', port: 40_000 },
};
/** Of a capture file. */
const LARGEST = 256 * 1024 * 1024;

export async function run(ctx: Context): Promise<number> {
  const { config, node, services } = await nodeServices(ctx, 'xdp');
  if (services.length === 0) throw new GtmError('GTM_USAGE', `node ${node} forwards no VIP: see --node`);
  if (config.nodes[node].director?.plane === 'proxy')
    say(
      ctx,
      `node ${node} has plane proxy, which forwards by sockets: this is how the packet core would do it`,
    );
  const simulator = new Simulator({ services, name: node, ...sourcesOf(config, node) });
  for (const { key, fault } of simulator.faults) say(ctx, `${key}: ${fault}`);
  const [file] = ctx.args;
  if (file !== undefined) return play(ctx, simulator, file);
  if (ctx.flags.text('packet') !== undefined)
    throw new GtmError('GTM_USAGE', '--packet is a number in a capture file: lvs simulate FILE --packet N');
  const packet = firstPacket(...flowOf(ctx, services));
  show(ctx, journey(simulator, packet, 0, arrivalMac(node)), node);
  return EXIT.ok;
}

function show(ctx: Context, story: Journey, node: string, number?: number): void {
  if (ctx.flags.on('json'))
    writeJson(ctx, 'Journey', { node, ...(number !== undefined && { number }), ...story });
  else ctx.io.out(picture(story, node));
}

// The 5-tuple of the command line: what is not said comes from the first service that fits, and a sample client.
function flowOf(ctx: Context, services: readonly ServiceSpec[]): ['tcp' | 'udp', Endpoint, Endpoint] {
  const said = ctx.flags.text('protocol');
  if (said !== undefined && said !== 'tcp' && said !== 'udp')
    throw new GtmError('GTM_USAGE', `--protocol: «${said}» is neither tcp nor udp`);
  const to = endpointFlag(ctx, 'to');
  const from = endpointFlag(ctx, 'from');
  const family = (e: Endpoint) => (e.address.includes(':') ? 6 : 4);
  const fits = services.find(
    s =>
      (said === undefined || s.protocol === said) &&
      (to === undefined
        ? from === undefined || family(s) === family(from)
        : s.port === to.port && s.address === to.address),
  );
  const target = to ?? (fits && { address: fits.address, port: fits.port });
  if (target === undefined) throw new GtmError('GTM_USAGE', 'no service fits: say --to ADDRESS:PORT');
  const client = from ?? SAMPLE[family(target)];
  if (family(client) !== family(target))
    throw new GtmError('GTM_USAGE', '--from and --to are of one family, IPv4 or IPv6');
  return [said ?? fits?.protocol ?? 'tcp', client, target];
}

function endpointFlag(ctx: Context, name: 'from' | 'to'): Endpoint | undefined {
  const text = ctx.flags.text(name);
  if (text === undefined) return undefined;
  const endpoint = parseEndpoint(text);
  if (endpoint === undefined)
    throw new GtmError('GTM_USAGE', `--${name}: «${text}» is not ADDRESS:PORT (IPv6 in brackets: [::1]:80)`);
  return endpoint;
}

// The address that the node speaks from is not in the file; where it listens for others it is likely one of them.
function sourcesOf(config: Config, node: string): { source4?: string; source6?: string } {
  const { dns, admin } = config.nodes[node];
  const own = [...(dns?.listen ?? []), ...(admin ? [admin.listen] : [])]
    .map(e => e.address)
    .filter(a => !/^(127\.|0\.0\.0\.0$|::1?$)/.test(a));
  const source4 = own.find(a => !a.includes(':'));
  const source6 = own.find(a => a.includes(':'));
  return { ...(source4 !== undefined && { source4 }), ...(source6 !== undefined && { source6 }) };
}

function play(ctx: Context, simulator: Simulator, file: string): number {
  const text = ctx.flags.text('packet');
  const wanted = text === undefined ? undefined : Number(text);
  if (wanted !== undefined && (!Number.isInteger(wanted) || wanted < 1))
    throw new GtmError('GTM_USAGE', `--packet: «${text}» is not a number from 1 on`);
  for (const name of ['from', 'to', 'protocol'] as const)
    if (ctx.flags.text(name) !== undefined)
      throw new GtmError('GTM_USAGE', `--${name} is for one packet; a capture file has its own`);
  const rows: object[] = [];
  let count = 0;
  try {
    for (const record of readCapture(bytesOf(file))) {
      count = record.number;
      if (record.number === wanted) return inFull(ctx, simulator, record);
      const line = lineOf(simulator, record);
      if (wanted !== undefined) continue;
      if (ctx.flags.on('json')) rows.push(line);
      else ctx.io.out(`${textOf(line)}\n`);
    }
  } catch (e) {
    if (!(e instanceof GtmError) || e.code !== 'GTM_CAPTURE') throw e;
    throw new GtmError('GTM_CAPTURE', `${file}: ${e.message}`);
  }
  if (wanted !== undefined)
    throw new GtmError('GTM_USAGE', `--packet ${wanted}: ${file} has ${count} packets`);
  if (ctx.flags.on('json')) writeJson(ctx, 'JourneyList', { items: rows });
  return EXIT.ok;
}

function inFull(
  ctx: Context,
  simulator: Simulator,
  { number, packet, time, mac, skipped }: Captured,
): number {
  if (packet === undefined) throw new GtmError('GTM_USAGE', `packet ${number} is no IP packet: ${skipped}`);
  show(ctx, journey(simulator, packet, time, mac ?? arrivalMac(simulator.name)), simulator.name, number);
  return EXIT.ok;
}

interface Line {
  number: number;
  /** Milliseconds since the first one. */
  time: number;
  packet: string;
  verdict: string;
  reason?: string;
  server?: string;
  leaves?: string;
}

function lineOf(simulator: Simulator, { number, packet, time, mac, skipped }: Captured): Line {
  if (packet === undefined) return { number, time, packet: skipped ?? '', verdict: 'skipped' };
  const { way, served } = simulator.pass(packet, time, mac ?? arrivalMac(simulator.name));
  return {
    number,
    time,
    packet: packetText(way.arrives),
    verdict: way.verdict,
    reason: way.reason,
    ...(served && { server: served.server }),
    ...(way.leaves && way.verdict !== 'host' && { leaves: packetText(way.leaves) }),
  };
}

function textOf({ number, time, packet, verdict, reason: why, server }: Line): string {
  const head = `${String(number).padStart(6)}  ${(time / 1000).toFixed(6).padStart(11)}`;
  const to = server === undefined ? '' : `  ${why === 'answered' ? 'of' : 'to'} ${server}`;
  return `${head}  ${packet}  ${verdict}${why === undefined ? '' : ` ${why}`}${to}`;
}

function bytesOf(file: string): Uint8Array {
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch (e) {
    throw new GtmError('GTM_USAGE', `cannot read the capture file: ${reason(e)}`);
  }
  try {
    const { size } = fstatSync(fd);
    if (size > LARGEST) throw new GtmError('GTM_CAPTURE', `larger than ${LARGEST >> 20} MiB`);
    const bytes = new Uint8Array(size);
    let got = 0;
    for (let n = -1; got < size && n !== 0; got += n) n = readSync(fd, bytes, got, size - got, null);
    return bytes.subarray(0, got);
  } finally {
    closeSync(fd);
  }
}
