// The additional section: addresses of the names that NS, MX and SRV records point to (RFC 1034 §4.3.2 step 6, RFC 2782),
// as far as the same zone holds them. What does not fit is left out in silence, but for glue within the delegation:
// without that the referral is of no use, so the reply is truncated (RFC 9471 §2).
import { Labels } from './labels.ts';
import { type Reply, SECTION } from './reply.ts';
import { TYPE } from './rr.ts';
import { HINT, R } from './zone/layout.ts';
import type { Lookup } from './zone/lookup.ts';

/** Different names that one answer adds addresses of; a question for more of them is better asked one by one. */
const MAX_NAMES = 32;

/** Which targets of a referral are in turn. */
const WITHIN = 0;
const OTHERS = 1;

export class Additional {
  readonly #look: Lookup;
  readonly #target = new Labels();
  readonly #added = new Uint32Array(MAX_NAMES);
  #count = 0;

  constructor(look: Lookup) {
    this.#look = look;
  }

  /** Adds the addresses of an answer's targets: authoritative ones only, never glue (RFC 2181 §5.4.1). */
  add(reply: Reply, row: number): void {
    const look = this.#look;
    this.#count = 0;
    let data = look.data(row);
    const records = this.#u16(data);
    data += 2;
    for (let i = 0; i < records && this.#count < MAX_NAMES; i++) {
      const length = this.#u16(data);
      const node = this.#reach(data + 2, length, look.words[row + R.type] >>> HINT.shift, false);
      if (node >= 0 && look.cutAbove === 0 && this.#fresh(node)) this.#addresses(reply, node);
      data += 2 + length;
    }
  }

  /** Adds the glue of a referral at `cut`, by the NS RRset at `row`. Returns false if some that is needed did not fit. */
  glue(reply: Reply, row: number, cut: number): boolean {
    // What is needed goes first; names of other zones' servers and of our own come as far as there is room.
    return this.#glue(reply, row, cut, WITHIN) && this.#glue(reply, row, cut, OTHERS);
  }

  #glue(reply: Reply, row: number, cut: number, turn: number): boolean {
    const look = this.#look;
    let data = look.data(row);
    const records = this.#u16(data);
    data += 2;
    for (let i = 0; i < records; i++) {
      const length = this.#u16(data);
      // A wildcard below the cut may stand for a server: a resolver has no other way to its address.
      const node = this.#reach(data + 2, length, look.words[row + R.type] >>> HINT.shift, true);
      if (node >= 0 && (look.cutAbove === cut) === (turn === WITHIN)) {
        const fits = this.#addresses(reply, node);
        if (!fits && turn === WITHIN) return false;
      }
      data += 2 + length;
    }
    return true;
  }

  // The node of the target in one record's rdata (as Lookup.reach); -1 if it is not in this zone.
  #reach(data: number, length: number, hint: number, wild: boolean): number {
    const at = data + ((hint >> HINT.prefixShift) & HINT.prefix);
    if ((hint & HINT.additional) === 0 || this.#target.read(this.#look.bytes, at, data + length) < 0)
      return -1;
    return this.#look.reach(this.#target, wild);
  }

  #addresses(reply: Reply, node: number): boolean {
    const v4 = this.#set(reply, this.#look.rrset(node, TYPE.A));
    return this.#set(reply, this.#look.rrset(node, TYPE.AAAA)) && v4;
  }

  #set(reply: Reply, row: number): boolean {
    if (row === 0) return true;
    return reply.rrset(SECTION.additional, this.#target, 0, this.#look, row, this.#look.words[row + R.ttl]);
  }

  // Two MX or SRV records may name one host.
  #fresh(node: number): boolean {
    for (let i = 0; i < this.#count; i++) if (this.#added[i] === node) return false;
    this.#added[this.#count++] = node;
    return true;
  }

  #u16(at: number): number {
    return this.#look.bytes[at] | (this.#look.bytes[at + 1] << 8);
  }
}
