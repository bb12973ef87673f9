// Everything that the plane has of the kernel besides the workers' sockets: interfaces, XDP program and links, routes, TUN, guard, VIPs.
//   open → interfaces → ways → program → crew      steer → plan → maps, links      close → tables, VIPs down, all given back
// Invariant: close() leaves the pinned links alone, and those pass everything once the time that a restart may take is over.
import { reason } from '../../kit/errors.ts';
import { formatIp } from '../../kit/ip.ts';
import type { Log } from '../../kit/log.ts';
import type { DirectorConfig } from '../../model/schema.ts';
import type { ServiceSpec } from '../../model/service.ts';
import type { Libc } from '../../nic/libc.ts';
import { openNft } from '../../nic/nft.ts';
import { openRtnetlink, type Rtnetlink } from '../../nic/rtnetlink.ts';
import { openSteer, type Steer } from '../../nic/steer.ts';
import { openTun, type Tun } from '../../nic/tun.ts';
import { type Ahead, workersFor } from './ahead.ts';
import { Announcer } from './announce.ts';
import { formatFinding } from './checks.ts';
import { checkHost } from './checks-host.ts';
import { Crew } from './crew.ts';
import { Guard, guardedOf } from './guard.ts';
import { readFigures } from './ledger.ts';
import { Pins } from './pins.ts';
import { planOf } from './plan.ts';
import { attachOf, type Port, portsOf } from './ports.ts';
import { type KernelWays, openWays } from './routes-watch.ts';

/** How long links that were left pinned by a clean stop go on to drop what is a service's: a restart. Nanoseconds. */
const RESTART = 30e9;
const GUARD = 'switchyard';

export interface KernelOptions {
  director: DirectorConfig;
  /** Of FullNAT's initial sequence numbers. */
  isnKey: Int32Array;
  log: Log;
  /** What stands ready. */
  ahead?: Ahead;
  onFault: (reason: string) => void;
  /** Called once when an interface is not the one any more that was opened. */
  onLost: (reason: string) => void;
}

interface Open {
  rt: Rtnetlink;
  ways: KernelWays;
  steer: Steer;
  pins: Pins;
  tun: Tun | undefined;
  guard: Guard | undefined;
  announcer: Announcer;
  ports: readonly Port[];
  crew: Crew;
}

export class Kernel {
  readonly #libc: Libc;
  readonly #o: KernelOptions;
  readonly #log: Log;
  #open: Open | undefined;
  #attached = false;
  #checked = true;
  #services: readonly ServiceSpec[] = [];

  constructor(libc: Libc, options: KernelOptions) {
    this.#libc = libc;
    this.#o = options;
    this.#log = options.log;
  }

  get crew(): Crew | undefined {
    return this.#open?.crew;
  }

  /** What was counted since the start, by name: frames by what the XDP program did, by what became of them, by the director's reasons; and where frames stand now. */
  figures(): Record<string, number> {
    if (this.#open === undefined) return {};
    const { steer, crew } = this.#open;
    const steered = Object.entries(steer.counters()).map(([name, n]) => [`program ${name}`, n] as const);
    return {
      ...Object.fromEntries(steered),
      ...readFigures(crew.counters),
      ...crew.statistics(),
      ...crew.standing(),
    };
  }

  /** Opens interfaces and workers, the first time; `services` tell the interfaces where none is named. Throws GTM_PLANE, GTM_BPF … with what to do. */
  async open(services: readonly ServiceSpec[]): Promise<Crew> {
    if (this.#open !== undefined) return this.#open.crew;
    const undo: (() => unknown)[] = [];
    const kept = <T>(made: T, close: (made: T) => unknown): T => {
      undo.push(() => close(made));
      return made;
    };
    try {
      const libc = this.#libc;
      const rt = kept(openRtnetlink(libc), r => r.close());
      const ports = portsOf(libc, rt, this.#o.director, services);
      const names = ports.map(p => p.name);
      const log = this.#log;
      const ways = kept(openWays({ libc, interfaces: names, log, onChange: () => this.#changed() }), w =>
        w.close(),
      );
      const steer = kept(this.#o.ahead?.takeProgram() ?? openSteer(libc), s => s.close());
      const pins = kept(new Pins(libc, steer.bpf, log), p => p.release());
      const tun = this.#tun();
      if (tun !== undefined) undo.push(() => tun.close());
      const workers = workersFor(ports.map(p => p.queues));
      for (const [slot, p] of ports.entries()) steer.watch(slot, p.index, p.queues, p.mac);
      const { connections, attach, moderation } = this.#o.director;
      const crew = new Crew({
        libc,
        steer,
        ports,
        workers,
        connections,
        host: hostOf(rt),
        isnKey: this.#o.isnKey,
        moderation,
        ways: ways.shared,
        tun: tun?.fd ?? -1,
        copy: attach === 'generic' ? 'always' : 'auto',
        log,
        spare: () => this.#o.ahead?.takeThread(),
        onFault: this.#o.onFault,
      });
      await crew.start();
      const guard = this.#guard();
      const announcer = new Announcer({ libc, rt, interfaces: names, log });
      this.#open = { rt, ways, steer, pins, tun, guard, announcer, ports, crew };
      log.info({ interfaces: names, workers }, `xdp plane: ${names.join(', ')}, ${workers} workers`);
      return crew;
    } catch (e) {
      for (const close of undo.reverse()) close();
      throw e;
    }
  }

  /** While the program does not stand, the kernel drops what is a service's. */
  guard(services: readonly ServiceSpec[]): void {
    try {
      this.#open?.guard?.set(guardedOf(services));
    } catch (e) {
      this.#log.warn({ err: reason(e) }, `xdp plane: no guard in nftables: ${reason(e)}`);
    }
  }

  /**
   * Takes what is the services' from now on, on every interface. The first time at any time: as long as no worker is alive, it is dropped;
   * later on once the workers know them. Throws GTM_BPF.
   */
  steer(services: readonly ServiceSpec[]): void {
    this.#services = services;
    const open = this.#open;
    if (open === undefined) return;
    const { steer, pins, ports, crew } = open;
    this.#plan(open, services);
    if (this.#attached) return;
    for (const [slot, p] of ports.entries()) {
      const how = pins.attach(
        p.name,
        p.index,
        steer.program,
        attachOf(p, this.#o.director.attach),
        p.present,
      );
      const frames = crew.zeroCopy(slot) ? 'zero-copy' : 'copied';
      this.#log.info({ interface: p.name, how, frames }, `xdp plane: ${p.name}: ${how}, ${frames}`);
    }
    this.#attached = true;
    this.#checked = false;
  }

  /** Brings the VIPs up, and FullNAT's local addresses, and takes down those that are gone. */
  announce(services: readonly ServiceSpec[]): { address: string; fault: string }[] {
    const locals = services.flatMap(s => (s.forward === 'fullnat' ? s.localAddresses : []));
    return this.#open?.announcer.set([...services.map(s => s.address), ...locals]) ?? [];
  }

  /** A clean stop: the connection tables, by worker. */
  async close(): Promise<(Uint8Array | undefined)[]> {
    const open = this.#open;
    if (open === undefined) return [];
    this.#open = undefined;
    this.#attached = false;
    const { crew, announcer, guard, steer, pins, tun, ways, rt } = open;
    const attempt = (what: string, act: () => void): void => {
      try {
        act();
      } catch (e) {
        this.#log.warn({ err: reason(e) }, `xdp plane: ${what}: ${reason(e)}`);
      }
    };
    // First what forwarding can do without for a moment: from the workers' end on, clients wait.
    attempt('VIPs', () => announcer.close());
    attempt('guard', () => guard?.remove());
    attempt('guard', () => guard?.close());
    attempt('routes', () => ways.close());
    attempt('netlink', () => rt.close());
    const [seconds, nanoseconds] = process.hrtime();
    attempt('program', () => steer.retire(seconds * 1e9 + nanoseconds + RESTART));
    let closing: Promise<void> | undefined;
    const tables = await crew.close(() => {
      closing = tun?.closing();
    });
    attempt('links', () => pins.release());
    attempt('program', () => steer.close());
    await closing;
    return tables;
  }

  #plan({ rt, steer, ways }: Open, services: readonly ServiceSpec[]): void {
    ways.setOwn(services.flatMap(s => [s.address, ...s.localAddresses]));
    ways.want(services.flatMap(s => s.realServers.map(r => r.address)));
    steer.set(planOf(services, hostOf(rt)));
  }

  // The host's own addresses count for what is steered, and its links may be others.
  #changed(): void {
    const open = this.#open;
    if (open === undefined || !this.#attached) return;
    const links = open.rt.links();
    for (const [slot, port] of open.ports.entries()) {
      const link = links.find(l => l.index === port.index);
      if (link?.mac === undefined) {
        this.#attached = false;
        this.#o.onLost(`interface ${port.name} is gone`);
        return;
      }
      // A new MAC of ours: frames come to it from now on.
      open.steer.watch(slot, port.index, port.queues, link.mac);
    }
    open.steer.set(planOf(this.#services, hostOf(open.rt)));
  }

  /** Looks for what stands in the way, once it forwards. That is said, not held against the start: only the kernel knows for certain. */
  check(): void {
    const open = this.#open;
    if (open === undefined || this.#checked) return;
    this.#checked = true;
    const names = open.ports.map(p => p.name);
    try {
      for (const finding of checkHost(this.#libc, open.rt, names, this.#services)) {
        const { level, what } = finding;
        const say = level === 'note' ? 'info' : level === 'warning' ? 'warn' : 'error';
        this.#log[say]({ kind: 'check', subject: what }, `xdp plane: ${formatFinding(finding)}`);
      }
    } catch (e) {
      this.#log.warn({ err: reason(e) }, `xdp plane: the host cannot be checked: ${reason(e)}`);
    }
  }

  #tun(): Tun | undefined {
    try {
      return openTun(this.#libc, 'gtm%d');
    } catch (e) {
      this.#log.warn(
        { err: reason(e) },
        `xdp plane: what comes to a service and is none of its connections is lost, not the host's: ${reason(e)}`,
      );
      return undefined;
    }
  }

  #guard(): Guard | undefined {
    try {
      return new Guard(openNft(this.#libc), GUARD);
    } catch (e) {
      this.#log.warn({ err: reason(e) }, `xdp plane: no guard in nftables: ${reason(e)}`);
      return undefined;
    }
  }
}

function hostOf(rt: Rtnetlink): string[] {
  return rt.addresses().map(a => formatIp(a.address));
}
