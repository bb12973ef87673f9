// Random traffic for a set-up: walks of TCP connections, datagrams, strays, ICMP errors from both sides, fragments, packets
// over the MTU. What a server answers depends on where the kernel sent its client: so the walk listens to the kernel.
import { formatIp } from '../../src/kit/ip.ts';
import { below, type Rng } from '../../src/kit/rng.ts';
import {
  type Flow,
  isMasked,
  isOrderly,
  randomBytes,
  randomError,
  randomHead,
  randomStray,
  sameLocal,
} from './make.ts';
import { FLAG, fragments, type IpParts, tcp, udp } from './packet.ts';
import type { Recorder } from './recorder.ts';
import { chance, oneOf, type Service } from './setup.ts';
import { type Sent, toBytes } from './story.ts';
import { GATEWAY, OWN } from './topology.ts';

const { syn, ack, fin, rst, psh } = FLAG;

export class Traffic {
  /** Frames played for each service's cell. */
  readonly played = new Map<string, number>();
  frames = 0;
  readonly #rng: Rng;
  readonly #to: Recorder;
  readonly #services: readonly Service[];
  readonly #flows: Flow[] = [];
  readonly #ports = new Map<string, number>();
  #id = 1;

  constructor(rng: Rng, to: Recorder, services: readonly Service[]) {
    this.#rng = rng;
    this.#to = to;
    this.#services = services;
  }

  /** One thing that happens on the wire: a frame, or the fragments of one. */
  step(): void {
    const n = below(this.#rng, 100);
    const flow = this.#flows.length > 0 ? oneOf(this.#rng, this.#flows) : undefined;
    if (flow === undefined || n < 30) this.#begin();
    else if (n < 62) this.#onward(flow);
    else if (n < 78) this.#answer(flow);
    else if (n < 84) this.#errorFromServer(flow);
    else if (n < 88) this.#errorFromClient(flow);
    else if (n < 92) this.#stray();
    else if (n < 96) this.#big(flow);
    else this.#cut(flow);
  }

  #begin(): void {
    const rng = this.#rng;
    const service = chance(rng, 75) ? this.#services[0] : oneOf(rng, this.#services);
    const host = 1 + below(rng, 12);
    const client =
      service.cell.family === 4
        ? `198.51.${100 + (host % 3)}.${host}`
        : `2001:db8:${100 + (host % 3)}::${host}`;
    const flow: Flow = {
      service,
      client,
      port: 1024 + below(rng, 60_000),
      vport: service.key.port === 0 ? oneOf(rng, [22, 80, 5000]) : service.key.port,
      seq: rng(),
      answered: false,
    };
    // Clients with the same port have to be told apart by the local end's.
    if (service.cell.forward === 'fullnat' && chance(rng, 50)) {
      const ports = this.#ports.get(client) ?? 0;
      this.#ports.set(client, ports + 1);
      flow.port = 700 + ports;
    } else if (service.cell.forward !== 'fullnat' && chance(rng, 1) && chance(rng, 10)) flow.port = 0;
    const proper = chance(rng, 90);
    const orderly = isOrderly(flow);
    if (proper || !orderly) this.#flows.push(flow);
    if (this.#flows.length > 40) this.#flows.shift();
    const odd = [ack, rst, fin | ack, 0, ...(orderly ? [] : [syn | ack])];
    this.#send(flow, 'first', proper ? syn : oneOf(rng, odd));
  }

  #onward(flow: Flow): void {
    const rng = this.#rng;
    if (isOrderly(flow)) {
      if (!flow.answered && flow.server !== undefined && chance(rng, 60)) {
        this.#answer(flow);
        return;
      }
      const flags = flow.answered ? oneOf(rng, [ack, ack | psh, ack | psh, fin | ack, rst | ack]) : syn;
      if (flags & rst) this.#forget(flow);
      this.#send(flow, 'onward', flags);
      return;
    }
    const flags = oneOf(rng, [
      ack,
      ack,
      ack | psh,
      ack | psh,
      fin | ack,
      fin | ack,
      rst,
      rst | ack,
      syn,
      syn,
      fin,
      syn | fin,
    ]);
    this.#send(flow, 'onward', flags);
    // A connection that gave way to a new one is counted until its timer ran.
    if (flags & syn && flow.service.key.protocol === 'tcp') this.#to.sleep(15);
  }

  #forget(flow: Flow): void {
    this.#flows.splice(this.#flows.indexOf(flow), 1);
  }

  // A packet of the client.
  #send(
    flow: Flow,
    what: string,
    flags: number,
    size = below(this.#rng, 60),
    parts: Partial<IpParts> = {},
  ): void {
    const packet = this.#packet(flow, flags, size, parts);
    this.#play(flow, what, packet);
  }

  #packet(flow: Flow, flags: number, size: number, parts: Partial<IpParts>): Buffer {
    const rng = this.#rng;
    const head = { ...randomHead(this.#rng, flow.client, flow.service.key.address), ...parts };
    const payload = randomBytes(this.#rng, flags & syn ? 0 : size);
    const wrong = chance(rng, 2) ? 0x1234 : 0;
    const [sport, dport] = [flow.port, flow.vport];
    if (flow.service.key.protocol === 'udp')
      return udp(head, {
        sport,
        dport,
        payload: randomBytes(this.#rng, size),
        wrong,
        bare: flow.client.includes('.') && chance(rng, 10),
      });
    const options =
      flags & syn && chance(rng, 60) ? Uint8Array.of(2, 4, 5, 0xb4, 4, 2, 1, 1) : new Uint8Array(0);
    flow.seq = (flow.seq + payload.length + 1) >>> 0;
    return tcp(head, {
      sport,
      dport,
      flags,
      seq: flow.seq,
      ack: flags & ack ? rng() : 0,
      options,
      payload,
      wrong,
    });
  }

  #play(flow: Flow, what: string, packet: Uint8Array): void {
    const sent = this.#frame('client', what, packet, flow.service);
    for (const s of sent) this.#note(flow, s);
  }

  #note(flow: Flow, s: Sent): void {
    const packet = toBytes(s.packet);
    if (s.side === 'client') {
      flow.outward = packet;
      return;
    }
    flow.inward = packet;
    if (!isMasked(flow.service)) return;
    const six = packet[0] >> 4 === 6;
    const head = six ? 40 : (packet[0] & 15) * 4;
    if (
      six
        ? packet[6] !== 6 && packet[6] !== 17
        : (packet[9] !== 6 && packet[9] !== 17) || (packet[6] & 0x1f) !== 0 || packet[7] !== 0
    )
      return;
    const address = six ? formatIp(packet, 24, 16) : formatIp(packet, 16, 4);
    flow.server = { address, port: (packet[head + 2] << 8) | packet[head + 3] };
    if (flow.service.cell.forward === 'fullnat') {
      const own = six ? formatIp(packet, 8, 16) : formatIp(packet, 12, 4);
      flow.local = { address: own, port: (packet[head] << 8) | packet[head + 1] };
      // Whoever had that local end before is over: its server's late answers would be out of order for this one.
      const over = this.#flows.find(f => f !== flow && isOrderly(f) && sameLocal(f, flow));
      if (over !== undefined) this.#forget(over);
    }
  }

  // The real server speaks: in NAT through the director, whether or not it was spoken to.
  #answer(flow: Flow): void {
    const rng = this.#rng;
    if (!isMasked(flow.service) || flow.server === undefined) {
      this.#onward(flow);
      return;
    }
    const to = flow.local ?? { address: flow.client, port: flow.port };
    const head = randomHead(this.#rng, flow.server.address, to.address);
    const size = chance(rng, 10) ? 1200 + below(rng, 240) : below(rng, 80);
    const ends = { sport: flow.server.port, dport: chance(rng, 96) ? to.port : 1 + below(rng, 60_000) };
    const orderly = isOrderly(flow);
    const flags = !orderly
      ? oneOf(rng, [syn | ack, syn | ack, ack, ack | psh, ack | psh, fin | ack, rst, rst | ack])
      : flow.answered
        ? oneOf(rng, [ack, ack | psh, ack | psh, fin | ack, rst | ack])
        : syn | ack;
    if (orderly && flags & rst && ends.dport === to.port) this.#forget(flow);
    const wrong = chance(rng, 2) ? 0x4321 : 0;
    const packet =
      flow.service.key.protocol === 'udp'
        ? udp(head, {
            ...ends,
            payload: randomBytes(this.#rng, size),
            wrong,
            bare: head.source.includes('.') && chance(rng, 10),
          })
        : tcp(head, {
            ...ends,
            flags,
            seq: rng(),
            ack: flow.seq,
            payload: randomBytes(this.#rng, flags & syn ? 0 : size),
            wrong,
          });
    for (const s of this.#frame('server', 'answer', packet, flow.service)) {
      this.#note(flow, s);
      if (s.side === 'client') flow.answered = true;
    }
  }

  // An error about what the director sent to a server: from that server or a router before it.
  #errorFromServer(flow: Flow): void {
    const rng = this.#rng;
    if (flow.inward === undefined) {
      this.#onward(flow);
      return;
    }
    const quoted = flow.inward;
    const six = quoted[0] >> 4 === 6;
    const about = six ? formatIp(quoted, 8, 16) : formatIp(quoted, 12, 4);
    const tunnel = flow.service.cell.forward === 'tun';
    // The kernel drops these (DEVIATIONS): a few are enough.
    if (six && isMasked(flow.service) && !chance(rng, 2)) {
      this.#onward(flow);
      return;
    }
    const from = chance(rng, 50)
      ? GATEWAY.server[six ? 1 : 0]
      : six
        ? formatIp(quoted, 24, 16)
        : formatIp(quoted, 16, 4);
    // An error about a packet that went out with the VIP in it would come from an address of this host: not that.
    if (flow.service.cell.forward === 'dr' && from !== GATEWAY.server[six ? 1 : 0]) {
      this.#onward(flow);
      return;
    }
    const destination = tunnel ? OWN.server[six ? 1 : 0] : about;
    this.#error(
      'server',
      'error from the server side',
      flow,
      { ...randomHead(this.#rng, from, destination) },
      quoted,
      tunnel,
    );
  }

  // An error about what the director sent to the client.
  #errorFromClient(flow: Flow): void {
    const quoted = flow.outward;
    if (quoted === undefined || chance(this.#rng, 5)) {
      this.#onward(flow);
      return;
    }
    const six = quoted[0] >> 4 === 6;
    const from = chance(this.#rng, 50) ? flow.client : six ? '2001:db8:999::1' : '203.0.113.1';
    this.#error(
      'client',
      'error from the client side',
      flow,
      randomHead(this.#rng, from, flow.service.key.address),
      quoted,
      false,
    );
  }

  #error(
    side: 'client' | 'server',
    what: string,
    flow: Flow,
    head: IpParts,
    quoted: Uint8Array,
    tunnel: boolean,
  ): void {
    const packet = randomError(this.#rng, head, quoted, tunnel);
    for (const s of this.#frame(side, what, packet, flow.service))
      if (s.side === 'client' && chance(this.#rng, 20)) flow.outward = toBytes(s.packet);
  }

  // What belongs to no service, or to no connection.
  #stray(): void {
    const service = oneOf(this.#rng, this.#services);
    const { what, packet } = randomStray(this.#rng, service);
    this.#frame('client', what, packet, service);
  }

  // About as long as the link takes, or its last hop.
  #big(flow: Flow): void {
    const rng = this.#rng;
    if (isOrderly(flow) && !flow.answered) {
      this.#onward(flow);
      return;
    }
    if (chance(rng, 25)) {
      this.#send(flow, 'last hop', ack, 20, { ttl: oneOf(rng, [1, 2]) });
      return;
    }
    const size =
      oneOf(rng, [1500, 1480, 1476, 1472, 1468, 1464, 1460, 1440, 1400, 1380, 1300, 1280]) - below(rng, 4);
    const headers =
      (flow.service.cell.family === 4 ? 20 : 40) + (flow.service.key.protocol === 'tcp' ? 20 : 8);
    this.#send(flow, 'big', ack | psh, size - headers, { df: chance(rng, 60) });
  }

  // In fragments, in any order.
  #cut(flow: Flow): void {
    const rng = this.#rng;
    if (isOrderly(flow) && !flow.answered) {
      this.#onward(flow);
      return;
    }
    const first = !isOrderly(flow) && chance(rng, 30);
    const whole = this.#packet(flow, first ? syn | psh : ack | psh, 200 + below(rng, 1500), {
      df: false,
    });
    const parts = fragments(whole, 8 * (8 + below(rng, 120)), ++this.#id);
    if (chance(rng, 30)) parts.reverse();
    for (const part of parts) this.#play(flow, 'fragment', part);
    this.#to.sleep(15);
  }

  #frame(side: 'client' | 'server', what: string, packet: Uint8Array, service: Service): Sent[] {
    this.frames++;
    this.played.set(service.name, (this.played.get(service.name) ?? 0) + 1);
    return this.#to.frame(side, what, packet, service.name);
  }
}
