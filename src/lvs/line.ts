// The layout of a connection's line: 16 words of an Int32Array, 64 bytes, so that a hit touches one line of the cache. FullNAT's own
// words stand where IPv4 leaves the client's address three free ones; with IPv6 in another array.
// Invariant: the words that every packet reads or writes (client, ports, server, flags, link, times) stand in the first twelve.

/** Words of a line. */
export const WORDS = 16;
export const CLIENT = 0;
/** Client's port × 2¹⁶ + virtual port; server's port × 2¹⁶ + local port. */
export const CPORTS = 4;
export const DPORTS = 5;
export const DEST = 6;
export const FLAGS = 7;
/** The next line of its chain by the client's side, and by the server's. */
export const LINK = 8;
/** ms modulo 2³²; ms. */
export const EXPIRES = 10;
export const TIMEOUT = 11;
/** The template that controls it; how many it controls. */
export const CONTROL = 12;
export const CONTROLS = 13;
/** Its neighbours in its queue. */
export const BEFORE = 14;
export const BEHIND = 15;

/** FLAGS: state in the low 4 bits, forwarding method at FORWARD_SHIFT, queue at QUEUE_SHIFT. */
export const STATE = 15;
export const V6 = 1 << 4;
export const IS_UDP = 1 << 5;
export const TEMPLATE = 1 << 6;
export const NOOUTPUT = 1 << 7;
export const INACTIVE = 1 << 8;
export const ONE_PACKET = 1 << 9;
export const FORWARD_SHIFT = 10;
export const ASSURED = 1 << 12;
export const CHAINED = 1 << 13;
export const QUEUE_SHIFT = 14;
/** UDP: more than one packet was seen. */
export const CONFIRMED = 1 << 16;
export const KIND = V6 | IS_UDP | TEMPLATE;

/** Queues of what may be evicted, in this order. */
export const HALF_OPEN = 1;
export const CLOSING = 2;

/** FullNAT's words: from here on in an IPv4 connection's line; EXTRA words a line in an array of their own with IPv6. */
export const FREE = 1;
export const EXTRA = 4;
export const LOCAL = 0;
/** What is added to the client's sequence numbers; the server's first data byte. */
export const DELTA = 1;
export const FIRST_DATA = 2;
