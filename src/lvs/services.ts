// The control side's verbs on services and servers (ip_vs_ctl.c), as ipvsadm has them, and the look-ups of the packet path.
// A server that was removed stays in the trash for 120 s after its last connection, and comes back with its counts.
// Invariant: `dests[i].index === i` for as long as a connection refers to it.
import { GtmError } from '../kit/errors.ts';
import { formatEndpoint } from '../kit/ip.ts';
import type { Rng } from '../kit/rng.ts';
import { familyOf, maskOf, prefixOf, protocolOf, wordsOf } from './address.ts';
import type { DestKey, DestOptions, ServiceKey, ServiceOptions } from './config.ts';
import { TCP } from './packet/parse.ts';
import { DestTable } from './sched/dests.ts';
import { makeScheduler } from './sched/index.ts';
import type { Scheduler } from './sched/scheduler.ts';
import { Dest, FORWARD, fullnatOf, Local, NAT, Service, TUNNELS } from './service.ts';
import { TCP_STATE, TCP_TIMEOUTS, UDP_TIMEOUT } from './tcpstate.ts';
import { LOCAL, OWN, SERVER, sameWords, WordSet } from './wordset.ts';

const FTP = 21;
const FTP_DATA = 20;
const PRIVILEGED = 1024;
/** A trashed server is forgotten so many ms after its last connection. */
const TRASH = 120_000;
/** Persistence that the clock of the connections can tell, in seconds. */
const LONGEST = 20 * 86_400;

export class Services {
  readonly dests: Dest[] = [];
  readonly locals: Local[] = [];
  readonly all: Service[] = [];
  /**
   * What addresses are: this host's (services', FullNAT's local ones, given ones), real servers'. Alone with number 0; a server to
   * which NAT leads also with its port and protocol (port × 2⁸ + protocol).
   */
  readonly places = new WordSet();
  readonly #given: readonly Int32Array[];
  readonly #rng: Rng;
  readonly #now: () => number;
  #batch = false;
  #trash: Dest[] = [];
  #spare: number[] = [];
  #ftp = 0;
  #catchAll = 0;

  constructor(given: readonly string[], rng: Rng, now: () => number) {
    this.#given = given.map(wordsOf);
    this.#rng = rng;
    this.#now = now;
    this.#index();
  }

  /** Many changes at one time: what the packet path asks for is made anew once, at the end. No packet may come meanwhile. */
  batch(changes: () => void): void {
    this.#batch = true;
    try {
      changes();
    } finally {
      this.#batch = false;
      this.#index();
    }
  }

  add(key: ServiceKey, options: ServiceOptions): Service {
    if (this.#find(key) !== undefined)
      throw new GtmError('GTM_LVS_EXISTS', `${nameOf(key)}: there is such a service already`);
    if (key.port === 0 && !options.persistence)
      throw new GtmError('GTM_LVS_INVALID', `${nameOf(key)}: port 0 needs persistence`);
    const table = new DestTable();
    const service = new Service(options, table, this.#scheduler(options, table));
    service.protocol = protocolOf(key.protocol);
    service.family = familyOf(key.address);
    table.serviceFamily = service.family;
    service.v.set(wordsOf(key.address));
    service.port = key.port;
    this.#set(service, options);
    this.all.unshift(service);
    this.#index();
    return service;
  }

  update(key: ServiceKey, options: ServiceOptions): void {
    const service = this.get(key);
    const { scheduler, flags } = service.options;
    const same = scheduler === options.scheduler && `${flags ?? []}` === `${options.flags ?? []}`;
    if (!same) service.scheduler = this.#scheduler(options, service.table);
    service.options = options;
    this.#set(service, options);
    this.#index();
  }

  remove(key: ServiceKey): void {
    const service = this.get(key);
    while (service.dests.length > 0) this.#discard(service.dests[0]);
    service.removed = true;
    this.all.splice(this.all.indexOf(service), 1);
    this.#index();
  }

  addDest(key: ServiceKey, dest: DestKey, options: DestOptions): void {
    const service = this.get(key);
    const d = wordsOf(dest.address);
    if (indexOf(service, d, dest.port) >= 0)
      throw new GtmError('GTM_LVS_EXISTS', `${nameOf(key)}: ${dest.address} is one of its servers already`);
    checkFamilies(service, dest, options);
    const entry = this.#untrash(service, d, dest) ?? this.#fresh(service, d, dest);
    if (entry.service !== service) entry.counts.fill(0);
    entry.service = service;
    this.#setDest(entry, options);
    const bytes = new Uint8Array(entry.family === 4 ? 4 : 16);
    for (let i = 0; i < bytes.length; i++) bytes[i] = d[i >> 2] >>> (24 - 8 * (i & 3));
    service.table.add(bytes, dest.port, options.weight, entry.active, entry.inactive);
    service.dests.unshift(entry);
    this.#reposition(service);
    service.scheduler.update();
    this.#index();
  }

  updateDest(key: ServiceKey, dest: DestKey, options: DestOptions): void {
    const entry = this.getDest(key, dest);
    checkFamilies(entry.service, dest, options);
    const { forward } = entry;
    this.#setDest(entry, options);
    entry.service.table.reweight(entry.at, options.weight);
    entry.show();
    entry.service.scheduler.update();
    if (entry.forward !== forward) this.#index();
  }

  /** The server that was removed; it is in the trash now. */
  removeDest(key: ServiceKey, dest: DestKey): Dest {
    const entry = this.getDest(key, dest);
    this.#discard(entry);
    this.#index();
    return entry;
  }

  get(key: ServiceKey): Service {
    const found = this.#find(key);
    if (found === undefined)
      throw new GtmError('GTM_LVS_NO_SERVICE', `${nameOf(key)}: there is no such service`);
    return found;
  }

  getDest(key: ServiceKey, dest: DestKey): Dest {
    const service = this.get(key);
    const at = indexOf(service, wordsOf(dest.address), dest.port);
    if (at < 0)
      throw new GtmError(
        'GTM_LVS_NO_DEST',
        `${nameOf(key)}: ${formatEndpoint(dest.address, dest.port)} is none of its servers`,
      );
    return service.dests[at];
  }

  /** The service of a virtual address and port: exact, FTP's for its data, the one for all ports (ip_vs_service_find). */
  lookup(
    family: number,
    protocol: number,
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    port: number,
  ): Service | undefined {
    let found = this.#match(family, protocol, a0, a1, a2, a3, port);
    if (found === undefined && this.#ftp > 0 && protocol === TCP && (port === FTP_DATA || port >= PRIVILEGED))
      found = this.#match(family, protocol, a0, a1, a2, a3, FTP);
    if (found === undefined && this.#catchAll > 0) found = this.#match(family, protocol, a0, a1, a2, a3, 0);
    return found;
  }

  /** Forgets trashed servers whose last connection went long ago. */
  sweep(now: number): void {
    if (this.#trash.length === 0) return;
    const gone = this.#trash.filter(
      d => d.active + d.inactive + d.persistent === 0 && ((now - d.idleSince) | 0) >= TRASH,
    );
    if (gone.length === 0) return;
    this.#trash = this.#trash.filter(d => !gone.includes(d));
    for (const d of gone) this.#spare.push(d.index);
  }

  #buckets: (Service | undefined)[][] = [];

  #match(
    family: number,
    protocol: number,
    a0: number,
    a1: number,
    a2: number,
    a3: number,
    port: number,
  ): Service | undefined {
    const bucket = this.#buckets[bucketOf(a0, a3, port) & (this.#buckets.length - 1)];
    for (let i = 0; i < bucket.length; i++) {
      const s = bucket[i] as Service;
      if (s.port !== port || s.protocol !== protocol || s.family !== family) continue;
      if (s.v[0] === a0 && s.v[1] === a1 && s.v[2] === a2 && s.v[3] === a3) return s;
    }
    return undefined;
  }

  // Everything that the packet path asks for, made anew.
  #index(): void {
    if (this.#batch) return;
    const size = 1 << (32 - Math.clz32(Math.max(16, this.all.length * 2) - 1));
    this.#buckets = Array.from({ length: size }, () => []);
    this.#ftp = 0;
    this.#catchAll = 0;
    const { places } = this;
    places.clear();
    for (const a of this.#given) places.add(a, OWN);
    for (const l of this.locals) {
      if (l.used === 0 && !this.all.some(s => s.locals.includes(l))) continue;
      places.add(l.a, OWN | LOCAL);
    }
    for (const s of this.all) {
      this.#buckets[bucketOf(s.v[0], s.v[3], s.port) & (size - 1)].push(s);
      places.add(s.v, OWN);
      if (s.port === FTP) this.#ftp++;
      if (s.port === 0) this.#catchAll++;
      for (const d of s.dests) {
        places.add(d.d, SERVER);
        if (d.forward === NAT) places.add(d.d, SERVER, (d.port << 8) | d.protocol);
      }
    }
    for (const d of this.#trash) places.add(d.d, SERVER);
  }

  #scheduler(options: ServiceOptions, table: DestTable): Scheduler {
    return makeScheduler(options.scheduler, table, options.flags ?? [], { rng: this.#rng, now: this.#now });
  }

  #set(service: Service, options: ServiceOptions): void {
    service.persistence = Math.min(options.persistence ?? 0, LONGEST) * 1000;
    service.mask.set(maskOf(service.family, options.netmask));
    service.onePacket = (options.flags ?? []).includes('ops');
    service.sloppyTcp = options.sloppyTcp === undefined ? -1 : Number(options.sloppyTcp);
    service.expireNodest = options.expireNodestConn === undefined ? -1 : Number(options.expireNodestConn);
    service.fullnat = fullnatOf(options.fullnat);
    const { tcp, tcpFin, udp, states } = options.timeouts ?? {};
    for (const [i, name] of TCP_STATE.entries())
      service.timeouts[i] =
        states?.[name] ??
        (name === 'ESTABLISHED' ? tcp : name === 'FIN_WAIT' ? tcpFin : undefined) ??
        TCP_TIMEOUTS[i];
    service.udpTimeout = udp ?? UDP_TIMEOUT;
    const wanted = (options.localAddresses ?? []).map(text => ({ family: familyOf(text), a: wordsOf(text) }));
    const kept = wanted.map(({ family, a }) => {
      const known = this.locals.find(l => l.family === family && sameWords(l.a, a));
      if (known !== undefined) return known;
      const made = new Local(this.locals.length, family, a);
      this.locals.push(made);
      return made;
    });
    service.locals.splice(0, service.locals.length, ...kept);
  }

  #setDest(dest: Dest, options: DestOptions): void {
    const { upper = 0, lower = 0 } = options;
    // A limit that is raised or lifted lets the server in again; a lowered one tells at its next connection.
    if (upper === 0 || upper > dest.upper) dest.overload = false;
    dest.weight = options.weight;
    dest.forward = FORWARD.indexOf(options.forward);
    dest.tunnel = options.tunnel;
    dest.tunnelType = options.tunnel === undefined ? 0 : TUNNELS.indexOf(options.tunnel.type);
    dest.spread =
      options.tunnel?.sourcePrefix === undefined ? undefined : prefixOf(options.tunnel.sourcePrefix);
    dest.upper = upper;
    dest.lower = lower;
    dest.routed = -1;
  }

  #find(key: ServiceKey): Service | undefined {
    const v = wordsOf(key.address);
    const family = familyOf(key.address);
    const protocol = protocolOf(key.protocol);
    if (!this.#batch) return this.#match(family, protocol, v[0], v[1], v[2], v[3], key.port);
    return this.all.find(
      s => s.port === key.port && s.protocol === protocol && s.family === family && sameWords(s.v, v),
    );
  }

  #fresh(service: Service, d: Int32Array, key: DestKey): Dest {
    const index = this.#spare.pop() ?? this.dests.length;
    const dest = new Dest(index, service, familyOf(key.address), d, key.port);
    this.dests[index] = dest;
    return dest;
  }

  #untrash(service: Service, d: Int32Array, key: DestKey): Dest | undefined {
    const at = this.#trash.findIndex(
      t =>
        t.family === familyOf(key.address) &&
        t.port === key.port &&
        t.protocol === service.protocol &&
        t.vport === service.port &&
        sameWords(t.d, d) &&
        sameWords(t.v, service.v),
    );
    return at < 0 ? undefined : this.#trash.splice(at, 1)[0];
  }

  #discard(dest: Dest): void {
    const { service } = dest;
    service.table.remove(dest.at);
    service.dests.splice(dest.at, 1);
    dest.at = -1;
    dest.idleSince = this.#now();
    this.#reposition(service);
    service.scheduler.update();
    this.#trash.push(dest);
  }

  #reposition(service: Service): void {
    for (const [at, d] of service.dests.entries()) {
      d.at = at;
      d.show();
    }
  }
}

function bucketOf(a0: number, a3: number, port: number): number {
  const h = Math.imul(a0 ^ a3 ^ (port << 16), 0x9e3779b1);
  return (h ^ (h >>> 16)) & 0xffff;
}

function indexOf(service: Service, d: Int32Array, port: number): number {
  return service.dests.findIndex(e => e.port === port && sameWords(e.d, d));
}

function nameOf(key: ServiceKey): string {
  return `${key.protocol} ${formatEndpoint(key.address, key.port)}`;
}

function checkFamilies(service: Service, dest: DestKey, options: DestOptions): void {
  if (service.family !== familyOf(dest.address) && options.forward !== 'tun')
    throw new GtmError(
      'GTM_LVS_INVALID',
      `${dest.address}: only tunnels lead to a server of the other family`,
    );
  if (options.forward === 'fullnat' && service.locals.length === 0)
    throw new GtmError('GTM_LVS_INVALID', `${dest.address}: FullNAT needs local addresses`);
}
