// Defence against floods (update_defense_level of ip_vs_ctl.c): secure_tcp and drop_packet. What is short here is not the host's
// memory but the table: the automatic modes 1 and 2 are on while less than a sixteenth of it is free.
// drop_entry has no part here: a full table evicts in the order that life.ts states.
import type { Sysctl } from './config.ts';
import type { Life } from './life.ts';
import { SECURE } from './tcpstate.ts';

export class Defence {
  readonly #sysctl: Sysctl;
  readonly #life: Life;
  /** One in so many new connections is dropped; 0 = none. */
  #rate = 0;
  #counter = 0;

  constructor(sysctl: Sysctl, life: Life) {
    this.#sysctl = sysctl;
    this.#life = life;
    this.review();
  }

  /** Looks at the table and the sysctls: call it when they change, and about once a second. */
  review(): void {
    const { table } = this.#life;
    const reserve = Math.max(1, table.capacity >> 4);
    const free = table.capacity - table.used;
    const short = free < reserve;
    const sysctl = this.#sysctl;
    sysctl.secure_tcp = level(sysctl.secure_tcp, short);
    sysctl.drop_packet = level(sysctl.drop_packet, short);
    this.#life.secure = sysctl.secure_tcp > 1 ? SECURE : 0;
    if (sysctl.drop_packet === 3) this.#rate = sysctl.am_droprate;
    else if (sysctl.drop_packet === 2) {
      this.#rate = Math.floor(reserve / (reserve - free));
      if (this.#counter > this.#rate) this.#counter = this.#rate;
    } else this.#rate = 0;
  }

  /** Whether the new connection at hand is to be dropped (ip_vs_todrop). */
  sheds(): boolean {
    if (this.#rate === 0 || --this.#counter > 0) return false;
    this.#counter = this.#rate;
    return true;
  }
}

/** Modes 1 and 2 are one mode: 2 says that it is on. */
function level(mode: number, short: boolean): number {
  return mode === 1 || mode === 2 ? (short ? 2 : 1) : mode;
}
