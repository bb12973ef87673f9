// Random zones in families. A family is a handful of zones that know each other: a parent, often a child and a
// grandchild that are served here as well, a zone beside them; their aliases lead from one to the other.
// Every zone is one that NSD and Knot load: what RFC 2181 §10.1 and RFC 6672 §2.4 forbid is taken out again.
import type { Dice } from './dice.ts';
import { child, fits, label, nameBelow, parent, within } from './names.ts';
import { DATA, rdata } from './rdata.ts';

export interface Rec {
  owner: string;
  ttl: number;
  type: string;
  rdata: string;
}

export interface Zone {
  /** Absolute. */
  origin: string;
  family: number;
  records: Rec[];
}

export const line = (r: Rec) => `${r.owner} ${r.ttl} ${r.type} ${r.rdata}`;

/** A zone as a master file. */
export function zoneText(zone: Zone): string {
  return `${zone.records.map(line).join('\n')}\n`;
}

/** At least `count` zones. */
export function randomZones(dice: Dice, count: number): Zone[] {
  const zones: Zone[] = [];
  for (let family = 0; zones.length < count; family++) zones.push(...randomFamily(dice, family));
  return zones;
}

function randomFamily(dice: Dice, family: number): Zone[] {
  const top = `k${family}.test.`;
  const origins = [top];
  if (dice.chance(0.7)) origins.push(`a.${top}`);
  if (dice.chance(0.4)) origins.push(`${dice.pick(['b.', 'a.', 'c.d.'])}a.${top}`);
  if (dice.chance(0.15)) origins.push(`d.b.${top}`);
  if (dice.chance(0.6)) origins.push(`k${family}.net.`);
  // Owners first: records point to them.
  const owners = origins.map(origin => randomOwners(dice, origin));
  const draw = new Draw(dice, [...origins, ...owners.flat()]);
  const zones = origins.map((origin, i) => {
    const children = origins.filter(o => o !== origin && within(o, origin));
    return { origin, family, records: lawful(origin, draw.zone(origin, owners[i], children)) };
  });
  return oneTree(zones);
}

// NSD has one tree for all zones: it refuses a DNAME with data of another zone below it.
function oneTree(zones: readonly Zone[]): Zone[] {
  return zones.map(zone => {
    const others = zones.flatMap(z => (z === zone ? [] : z.records));
    const bare = (r: Rec) => r.type !== 'DNAME' || !others.some(o => within(o.owner, r.owner));
    return { ...zone, records: zone.records.filter(bare) };
  });
}

function randomOwners(dice: Dice, origin: string): string[] {
  const owners: string[] = [];
  for (let left = dice.from(2, 18); left > 0; left--) {
    const deeper = owners.length > 0 && dice.chance(0.3);
    const name = deeper
      ? `${dice.chance(0.1) ? '*' : label(dice)}.${dice.pick(owners)}`
      : nameBelow(dice, origin);
    if (fits(name)) owners.push(dice.chance(0.15) ? dice.mixedCase(name) : name);
  }
  return owners;
}

class Draw {
  readonly #dice: Dice;
  readonly #names: readonly string[];
  #records: Rec[] = [];
  #origin = '';

  constructor(dice: Dice, names: readonly string[]) {
    this.#dice = dice;
    this.#names = names;
  }

  zone(origin: string, owners: readonly string[], children: readonly string[]): Rec[] {
    const dice = this.#dice;
    this.#records = [];
    this.#origin = origin;
    this.#add(
      origin,
      'SOA',
      `ns.${origin} Host.${origin} ${dice.from(1, 99)} 3600 900 86400 ${dice.pick([0, 30, 900])}`,
    );
    this.#servers(origin);
    if (dice.chance(0.5)) this.#data(origin);
    if (dice.chance(0.06)) this.#add(origin, 'DNAME', this.#target());
    for (const owner of owners) this.#owner(owner);
    // The parent mostly knows of its children, and holds something below them as well.
    for (const child of children) {
      if (dice.chance(0.75)) this.#cut(child);
      if (dice.chance(0.4)) this.#data(dice.chance(0.3) ? child : nameBelow(dice, child));
    }
    if (dice.chance(0.15)) this.#chain();
    return this.#records;
  }

  #owner(owner: string): void {
    // NS and DNAME at a wildcard mean nothing certain (RFC 4592 §4.2, §4.4), and no two servers agree on them.
    const wild = owner.startsWith('*.');
    switch (this.#dice.weighted({ data: 50, cname: 18, dname: wild ? 0 : 7, cut: wild ? 0 : 14, many: 4 })) {
      case 'data':
        this.#data(owner);
        break;
      case 'cname':
        this.#add(owner, 'CNAME', this.#target());
        break;
      case 'dname':
        this.#add(owner, 'DNAME', this.#target());
        if (this.#dice.chance(0.4)) this.#data(owner);
        break;
      case 'cut':
        this.#cut(owner);
        break;
      case 'many':
        for (let i = this.#dice.from(10, 40); i > 0; i--) this.#add(owner, 'A', `198.51.100.${i}`, 300);
    }
  }

  // One to three RRsets. Their TTLs differ; within a set it is one, but now and then.
  #data(owner: string): void {
    const dice = this.#dice;
    for (let sets = dice.from(1, 3); sets > 0; sets--) {
      const type = dice.weighted(DATA);
      const ttl = this.#ttl();
      for (let i = dice.pick([1, 1, 1, 2, 3]); i > 0; i--)
        this.#add(
          owner,
          type,
          rdata(dice, type, () => this.#target()),
          ttl,
        );
    }
  }

  #cut(owner: string): void {
    const dice = this.#dice;
    this.#servers(owner);
    if (dice.chance(0.4))
      this.#add(
        owner,
        'DS',
        rdata(dice, 'DS', () => '.'),
      );
    if (dice.chance(0.15)) this.#data(owner);
    if (dice.chance(0.2)) this.#data(`${label(dice)}.${owner}`);
  }

  // NS of a cut or of the apex: below it, at it, beside it in the zone, elsewhere; with their addresses, mostly.
  #servers(owner: string): void {
    const dice = this.#dice;
    const ttl = this.#ttl();
    for (let i = dice.pick([1, 1, 2, 3, 8]); i > 0; i--) {
      const where = dice.weighted({ below: 45, at: 5, deep: 10, beside: 15, any: 15, out: 10 });
      const server = {
        below: `${dice.pick(['ns', 'ns1', label(dice)])}.${owner}`,
        at: owner,
        deep: `ns.${label(dice)}.${owner}`,
        beside: `${dice.pick(['ns', 'ns9'])}.${this.#origin}`,
        any: this.#target(),
        out: 'ns.elsewhere.org.',
      }[where];
      if (!fits(server)) continue;
      this.#add(owner, 'NS', dice.chance(0.1) ? dice.mixedCase(server) : server, ttl);
      if (where === 'any' || !within(server, this.#origin)) continue;
      if (dice.chance(0.75))
        this.#add(
          server,
          'A',
          rdata(dice, 'A', () => '.'),
        );
      if (dice.chance(0.3))
        this.#add(
          server,
          'AAAA',
          rdata(dice, 'AAAA', () => '.'),
        );
    }
  }

  // CNAMEs in a row, some in a ring.
  #chain(): void {
    const dice = this.#dice;
    const length = dice.from(2, dice.chance(0.2) ? 22 : 6);
    const link = (i: number) => `l${i}.${this.#origin}`;
    for (let i = 0; i < length; i++) this.#add(link(i), 'CNAME', link(i + 1));
    this.#add(link(length), 'CNAME', dice.chance(0.4) ? link(dice.from(0, length)) : this.#target());
  }

  // A name that is there, or nearly, or nowhere.
  #target(): string {
    const dice = this.#dice;
    const name = dice.pick(this.#names);
    switch (dice.weighted({ there: 60, below: 20, above: 8, own: 6, out: 6 })) {
      case 'there':
        return dice.chance(0.1) ? dice.mixedCase(name) : name;
      case 'below':
        return longer(dice, name);
      case 'above':
        return parent(name);
      case 'own':
        return nameBelow(dice, this.#origin);
      case 'out':
        return dice.pick(['www.elsewhere.org.', 'test.', 'k.net.']);
    }
  }

  #ttl(): number {
    return this.#dice.pick([0, 1, 60, 300, 3600, 86400, 2147483647]);
  }

  #add(owner: string, type: string, rdata: string, ttl = this.#ttl()): void {
    if (fits(owner)) this.#records.push({ owner, ttl, type, rdata });
  }
}

function longer(dice: Dice, name: string): string {
  const below = child(label(dice), name);
  return fits(below) ? below : name;
}

// Takes out what no server loads. The first of two that exclude each other stays; an RRset has one TTL (RFC 2181 §5.2).
function lawful(origin: string, drawn: readonly Rec[]): Rec[] {
  const apex = origin.toLowerCase();
  const sets = new Map<string, Rec[]>();
  const at = new Map<string, Set<string>>();
  for (const r of drawn) {
    const owner = r.owner.toLowerCase();
    const types = at.get(owner) ?? new Set();
    const alone = r.type === 'CNAME' ? types.size > 0 : types.has('CNAME');
    // A CNAME cannot stand beside the SOA, and a DS is the parent's (RFC 4034 §5).
    const misplaced = owner === apex && (r.type === 'CNAME' || r.type === 'DS');
    const twice = r.type === 'DNAME' && types.has('DNAME');
    const beside =
      owner !== apex && ((r.type === 'DNAME' && types.has('NS')) || (r.type === 'NS' && types.has('DNAME')));
    if (alone || misplaced || twice || beside || !within(owner, apex)) continue;
    at.set(owner, types.add(r.type));
    const key = `${owner} ${r.type}`;
    const set = sets.get(key) ?? [];
    sets.set(key, set);
    if (set.some(s => s.rdata.toLowerCase() === r.rdata.toLowerCase())) continue;
    set.push({ ...r, ttl: set[0]?.ttl ?? r.ttl });
  }
  const dnames = [...at].filter(([, types]) => types.has('DNAME')).map(([owner]) => owner);
  return [...sets.values()].flat().filter(r => {
    const owner = r.owner.toLowerCase();
    return !dnames.some(d => d !== owner && within(owner, d));
  });
}
