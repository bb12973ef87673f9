// TCP states of a connection as the director sees them (ip_vs_proto_tcp.c): three tables of next states, by what the packet is
// and where it came from; and three stricter ones for secure_tcp, in which the client's word alone establishes nothing in NAT.
// ONLY is for connections whose answers were never seen (DR, TUN).
// Invariant: flags are judged in the order RST, SYN, FIN, ACK; a packet with none of them closes.
import { ACK, FIN, RST, SYN } from './packet/parse.ts';

/** LVS's names, by number. */
export const TCP_STATE = [
  'NONE',
  'ESTABLISHED',
  'SYN_SENT',
  'SYN_RECV',
  'FIN_WAIT',
  'TIME_WAIT',
  'CLOSE',
  'CLOSE_WAIT',
  'LAST_ACK',
  'LISTEN',
  'SYNACK',
] as const;
export const STATES = TCP_STATE.length;
export const NONE = 0;
export const ESTABLISHED = 1;
export const FIN_WAIT = 4;
export const TIME_WAIT = 5;
export const CLOSE = 6;
export const CLOSE_WAIT = 7;

/** Milliseconds a connection stays in each state without a packet. */
export const TCP_TIMEOUTS: readonly number[] = [2, 900, 120, 60, 120, 120, 10, 60, 30, 120, 120].map(
  s => s * 1000,
);
export const UDP_TIMEOUT = 300_000;
/** Until the first state is set. */
export const NEW_TIMEOUT = 3000;

/** Where a packet came from. */
export const INPUT = 0;
export const OUTPUT = 1;
export const ONLY = 2;
/** Added to one of these: the table of secure_tcp. */
export const SECURE = 3;

// A row for each kind of packet, a column for each state; two letters stand for the state that follows.
const TEXT = [
  `SR ES ES SR SR SR SR SR SR SR SR
   CL CW SS TW TW TW CL CW LA LI TW
   ES ES SS ES FW TW CL CW CL LI ES
   CL CL CL SR CL CL CL CL LA LI SR`,
  `SS ES SS SR SS SS SS SS SS LI SR
   TW FW SS TW FW TW CL TW LA LI TW
   ES ES SS ES FW TW CL CW LA ES ES
   CL CL SS CL CL TW CL CL CL CL CL`,
  `SR ES ES SR SR SR SR SR SR SR SR
   CL FW SS TW FW TW CL CW LA LI TW
   ES ES SS ES FW TW CL CW CL LI ES
   CL CL CL SR CL CL CL CL LA LI CL`,
  `SR ES ES SR SR SR SR SR SR SR SA
   CL CW SS TW TW TW CL CW LA LI SA
   ES ES SS SR FW TW CL CW CL LI SA
   CL CL CL SR CL CL CL CL LA LI CL`,
  `SS ES SS SA SS SS SS SS SS LI SA
   TW FW SS TW FW TW CL TW LA LI TW
   ES ES SS ES FW TW CL CW LA ES ES
   CL CL SS CL CL TW CL CL CL CL CL`,
  `SA ES ES SR SA SA SA SA SA SA SA
   CL FW SS TW FW TW CL CW LA LI TW
   ES ES SS ES FW TW CL CW CL LI ES
   CL CL CL SR CL CL CL CL LA LI CL`,
];
const LETTERS = ['NO', 'ES', 'SS', 'SR', 'FW', 'TW', 'CL', 'CW', 'LA', 'LI', 'SA'];

const NEXT = Uint8Array.from(
  TEXT.flatMap(table => table.split(/\s+/).map(letters => LETTERS.indexOf(letters))),
);
const ACTIVE = Uint8Array.from(LETTERS, l => (['ES', 'SS', 'SR', 'SA'].includes(l) ? 1 : 0));

/** The state after a packet with `flags` in `state`; `direction` is INPUT, OUTPUT or ONLY, plus SECURE with secure_tcp. */
export function nextState(direction: number, flags: number, state: number): number {
  const row = flags & RST ? 3 : flags & SYN ? 0 : flags & FIN ? 1 : flags & ACK ? 2 : -1;
  return row < 0 ? CLOSE : NEXT[(direction * 4 + row) * STATES + state];
}

/** Whether a connection in `state` counts as active (ActiveConn), and not as InActConn. */
export function isActive(state: number): boolean {
  return ACTIVE[state] === 1;
}
