// The answer of an authoritative server: RFC 1034 §4.3.2, with 2181, 2308 (negative answers), 4592 (wildcards), 6604
// (rcode of a chain), 6672 (DNAME), 8020, 8482 (ANY) and 9471 (glue). No recursion: steps 1, 4 and 5 fall away.
//
//   name → 2 nearest zone → 3 walk ┬ found ─────────────→ CNAME: next name │ RRset │ POOL: steering │ NODATA
//            ↑                     ├ a cut: referral      (wildcard: the same, in the asked name)
//            └── next name ←───────┼ DNAME: substitute
//                                  └ missing: wildcard at the closest encloser, else NXDOMAIN
//
// A chain goes on over all zones served here, since a client would ask us next anyway.
import { PICK_SERVFAIL, type Steering } from '../model/steering.ts';
import { Additional } from './additional.ts';
import type { Exchange } from './exchange.ts';
import { Labels } from './labels.ts';
import { HEADER, RCODE } from './message.ts';
import { SECTION } from './reply.ts';
import { TYPE } from './rr.ts';
import { STEP, Trace } from './trace.ts';
import { FLAG, HINT, R, RRSET_WORDS } from './zone/layout.ts';
import { Lookup, WALK } from './zone/lookup.ts';
import type { Zones } from './zone/zones.ts';

/** Names in one chain of CNAMEs and DNAMEs, the first included; then the answer is what there is. */
export const MAX_CHAIN = 17;

/** Whether a step ended the answer, or left the next name of a chain in `#next`. */
const DONE = false;
const CHASE = true;

export class Answerer {
  /** How the last answer came about. */
  readonly trace = new Trace();
  readonly #look: Lookup;
  readonly #steering: Steering;
  readonly #additional: Additional;
  // Names of a chain, in turn: the next one is made while the last is still needed as an owner.
  readonly #odd = new Labels();
  readonly #even = new Labels();
  #next: Labels;
  /** Where in the reply each name of the chain stands. */
  readonly #owners = new Uint16Array(MAX_CHAIN);
  /** Row of the DNAME that each link of the chain came by, 0 = none. */
  readonly #dnames = new Uint32Array(MAX_CHAIN);
  /** Labels that the name of that link had below the DNAME. */
  readonly #below = new Uint8Array(MAX_CHAIN);
  /** The first link after the last CNAME of a zone: from there on DNAMEs alone have made the names. */
  #since = 0;
  #links = 0;

  constructor(zones: Zones, steering: Steering) {
    this.#look = new Lookup(zones);
    this.#steering = steering;
    this.#additional = new Additional(this.#look);
    this.#next = this.#odd;
  }

  /** Word offset of the zone that was looked into last. */
  get zone(): number {
    return this.#look.zone;
  }

  /** Answers a question of class IN into x.reply, which was begun. */
  answer(x: Exchange): void {
    const { reply, query } = x;
    this.trace.clear();
    let name = query.name;
    this.#owners[0] = HEADER;
    this.#since = 0;
    for (this.#links = 0; ; ) {
      const end = this.#find(name, query.type);
      if (end < 0) {
        this.trace.note(STEP.outside, 0, 0);
        if (this.#links === 0) reply.rcode = RCODE.REFUSED;
        return;
      }
      this.#dnames[this.#links] = 0;
      // AA speaks of the first owner (RFC 1034 §4.1, RFC 6604 §2).
      if (this.#links === 0) reply.aa = true;
      if (this.#decide(x, name, end) === DONE) return;
      // Compression finds the first place of a name, so a name of the chain that comes again has its owner's place.
      if (this.#comesAgain(reply.place)) {
        this.trace.note(STEP.loop, this.#look.zone, 0);
        return;
      }
      this.#links++;
      if (this.#links === MAX_CHAIN) {
        this.trace.note(STEP.chainEnd, this.#look.zone, 0);
        return;
      }
      this.#owners[this.#links] = reply.place;
      name = this.#next;
    }
  }

  #comesAgain(place: number): boolean {
    for (let i = 0; i <= this.#links; i++) if (this.#owners[i] === place) return true;
    return false;
  }

  // Step 2, and the walk of step 3. DS belongs to the parent's side of a cut (RFC 4035 §3.1.4.1), but a zone above
  // that does not delegate the name itself has nothing to say about it. Returns how the walk ended, -1: no zone.
  #find(name: Labels, type: number): number {
    const look = this.#look;
    if (type === TYPE.DS && look.nearestZone(name, true)) {
      const end = look.walk(name);
      if (end === WALK.cut && look.below === 0) return this.#entered(end);
    }
    if (!look.nearestZone(name, false)) return -1;
    return this.#entered(look.walk(name));
  }

  #entered(end: number): number {
    this.trace.note(STEP.zone, this.#look.zone, 0);
    return end;
  }

  // Step 3: what the node says at which the walk ended.
  #decide(x: Exchange, name: Labels, end: number): boolean {
    const look = this.#look;
    switch (end) {
      case WALK.found: // 3.a
        this.trace.note(STEP.found, look.zone, look.node);
        return this.#match(x, name);
      case WALK.cut: // 3.b
        this.trace.note(STEP.cut, look.zone, look.node);
        if (look.below === 0 && x.query.type === TYPE.DS) return this.#match(x, name);
        return this.#refer(x, name);
      case WALK.dname: // 3.c, RFC 6672 §3.2
        this.trace.note(STEP.dname, look.zone, look.node);
        return this.#substitute(x, name);
      default: // 3.c, RFC 4592 §4.3.2
        this.trace.note(STEP.missing, look.zone, look.node);
        if (!look.wildcard()) return this.#negative(x, name, RCODE.NXDOMAIN);
        this.trace.note(STEP.wildcard, look.zone, look.node);
        return this.#match(x, name);
    }
  }

  // 3.a: the node is the name's, or the wildcard's that stands for it; the owner is `name` in both cases.
  #match(x: Exchange, name: Labels): boolean {
    const look = this.#look;
    const { type } = x.query;
    const flags = look.flags(look.node);
    if (type === TYPE.ANY) return this.#any(x, name, flags);
    if ((flags & FLAG.cname) !== 0 && type !== TYPE.CNAME) return this.#follow(x, name);
    if ((flags & FLAG.pool) !== 0) {
      if (type === TYPE.A || type === TYPE.AAAA) return this.#pool(x, name, type);
      // The record is ours alone: nobody sees it.
      if (type === TYPE.POOL) return this.#negative(x, name, RCODE.NOERROR);
    }
    const row = look.rrset(look.node, type);
    if (row === 0) return this.#negative(x, name, RCODE.NOERROR);
    return this.#put(x, name, row);
  }

  #put(x: Exchange, name: Labels, row: number): boolean {
    const look = this.#look;
    this.trace.note(STEP.rrset, look.zone, row);
    // A chain may end at the owner of a DNAME that it came by.
    for (let i = 0; i < this.#links; i++) if (this.#dnames[i] === row) return DONE;
    const ttl = look.words[row + R.ttl];
    if (!x.reply.rrset(SECTION.answer, name, 0, look, row, ttl)) return this.#truncate(x);
    if (((look.words[row + R.type] >>> HINT.shift) & HINT.additional) !== 0)
      this.#additional.add(x.reply, row);
    return DONE;
  }

  // 3.a with a CNAME: the answer goes on with its target.
  #follow(x: Exchange, name: Labels): boolean {
    const look = this.#look;
    const row = look.rrset(look.node, TYPE.CNAME);
    this.trace.note(STEP.cname, look.zone, row);
    if (!x.reply.rrset(SECTION.answer, name, 0, look, row, look.words[row + R.ttl])) return this.#truncate(x);
    const data = look.data(row) + 2;
    const length = look.bytes[data] | (look.bytes[data + 1] << 8);
    this.#turn(name);
    this.#since = this.#links + 1;
    return this.#next.read(look.bytes, data + 2, data + 2 + length) < 0 ? DONE : CHASE;
  }

  // RFC 6672 §3.2: the DNAME, and a CNAME from the name to its substitute with the same TTL (§3.1).
  #substitute(x: Exchange, name: Labels): boolean {
    const look = this.#look;
    const { reply } = x;
    const row = look.rrset(look.node, TYPE.DNAME);
    const ttl = look.words[row + R.ttl];
    let written = false;
    for (let i = 0; i < this.#links; i++) {
      if (this.#dnames[i] !== row) continue;
      // Round by DNAMEs alone to a name that is no shorter: it leads below itself, each time to a longer name.
      if (i >= this.#since && this.#below[i] <= look.below) {
        this.trace.note(STEP.loop, look.zone, 0);
        return DONE;
      }
      written = true;
    }
    this.#dnames[this.#links] = row;
    this.#below[this.#links] = look.below;
    if (!written && !reply.rrset(SECTION.answer, name, look.below, look, row, ttl)) return this.#truncate(x);
    const data = look.data(row) + 2;
    const length = look.bytes[data] | (look.bytes[data + 1] << 8);
    this.#turn(name);
    // Its labels go on as the question has them.
    x.lasting = false;
    if (!this.#next.join(name, look.below, look.bytes, data + 2, data + 2 + length)) {
      this.trace.note(STEP.tooLong, look.zone, row);
      reply.rcode = RCODE.YXDOMAIN;
      return DONE;
    }
    if (!reply.cname(name, ttl, this.#next)) return this.#truncate(x);
    // A question for the CNAME itself is answered by it.
    return x.query.type === TYPE.CNAME ? DONE : CHASE;
  }

  #turn(name: Labels): void {
    this.#next = name === this.#odd ? this.#even : this.#odd;
  }

  // ANY: one RRset is enough (RFC 8482 §4.1): a pool's addresses, else the first. A CNAME is not followed.
  #any(x: Exchange, name: Labels, flags: number): boolean {
    const look = this.#look;
    let row = look.first(look.node);
    let rows = flags & 0xffff;
    if ((flags & FLAG.pool) !== 0) {
      x.lasting = false;
      let type: number = TYPE.A;
      let count = this.#pick(x, type);
      if (count === 0) {
        type = TYPE.AAAA;
        count = this.#pick(x, type);
      }
      if (count !== 0) return this.#picked(x, name, type, count);
      if ((look.words[row + R.type] & 0xffff) === TYPE.POOL) row += RRSET_WORDS;
      rows--;
    }
    return rows === 0 ? this.#negative(x, name, RCODE.NOERROR) : this.#put(x, name, row);
  }

  // POOL: the addresses of the type's family; a pool that has none of it is NODATA.
  #pool(x: Exchange, name: Labels, type: number): boolean {
    const count = this.#pick(x, type);
    if (count === 0) x.lasting = false;
    return count === 0 ? this.#negative(x, name, RCODE.NOERROR) : this.#picked(x, name, type, count);
  }

  #pick(x: Exchange, type: number): number {
    const look = this.#look;
    const row = look.rrset(look.node, TYPE.POOL);
    const pool = look.words[row + R.data];
    x.pool = pool;
    x.poolTtl = look.words[row + R.ttl];
    this.trace.note(STEP.pool, look.zone, pool);
    const count = this.#steering.pick(pool, type === TYPE.A ? 4 : 6, x.client);
    this.trace.note(STEP.picked, look.zone, count);
    return count;
  }

  #picked(x: Exchange, name: Labels, type: number, count: number): boolean {
    const { reply } = x;
    if (count === PICK_SERVFAIL) {
      reply.clear();
      reply.aa = false;
      reply.rcode = RCODE.SERVFAIL;
      x.lasting = false;
      return DONE;
    }
    const { ttl, picked } = this.#steering;
    x.picks = count;
    x.picksAt = reply.at;
    const fits = reply.addresses(name, type, Math.min(x.poolTtl, ttl), picked, count);
    // All are there, and at equal distances, as their owners are pointers in all but very large replies.
    if (reply.at - x.picksAt !== count * (type === TYPE.A ? 16 : 28)) x.lasting = false;
    return fits ? DONE : this.#truncate(x);
  }

  // NXDOMAIN or NODATA: the zone's SOA tells for how long (RFC 2308 §2, §5). After a chain the rcode is the last name's
  // (RFC 6604 §3).
  #negative(x: Exchange, name: Labels, rcode: number): boolean {
    const look = this.#look;
    x.reply.rcode = rcode;
    if (rcode === RCODE.NOERROR) this.trace.note(STEP.nodata, look.zone, look.node);
    const from = name.count - look.originLabels();
    return x.reply.rrset(SECTION.authority, name, from, look, look.soa(), look.negativeTtl())
      ? DONE
      : this.#truncate(x);
  }

  // 3.b: the NS of the cut, and the addresses without which nobody could go there (RFC 9471 §2).
  #refer(x: Exchange, name: Labels): boolean {
    const look = this.#look;
    const { reply } = x;
    if (this.#links === 0) reply.aa = false;
    const row = look.rrset(look.node, TYPE.NS);
    const ttl = look.words[row + R.ttl];
    if (!reply.rrset(SECTION.authority, name, look.below, look, row, ttl)) return this.#truncate(x);
    return this.#additional.glue(reply, row, look.node) ? DONE : this.#truncate(x);
  }

  #truncate(x: Exchange): boolean {
    this.trace.note(STEP.truncated, this.#look.zone, 0);
    x.reply.truncate();
    return DONE;
  }
}
