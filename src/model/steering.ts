// The contract between the answer path (dns/) and the policies (steer/): dns asks for the addresses of a pool, steer
// picks them. Neither imports the other; the answer worker hands one to the other.

/** Who asks. One object a worker, refilled for each query: nothing may keep it. */
export interface Client {
  /** 4 or 6. */
  family: number;
  /** The source address, the first 4 or 16 bytes. */
  address: Uint8Array;
  port: number;
  tcp: boolean;
  /** For whom a resolver says that it asks (RFC 7871): 4 or 6, 0 = not told. The answer path fills these three. */
  subnetFamily: number;
  /** Bits of `subnet` that are meant; the others are 0. */
  subnetBits: number;
  subnet: Uint8Array;
}

/** A client to be refilled for each query. */
export function newClient(tcp: boolean): Client {
  const [address, subnet] = [new Uint8Array(16), new Uint8Array(16)];
  return { family: 4, address, port: 0, tcp, subnetFamily: 0, subnetBits: 0, subnet };
}

/** What `pick` returns besides a count. */
export const PICK_SERVFAIL = -1;

export interface Steering {
  /** The picked addresses, 4 or 16 bytes each, one after the other: valid until the next pick. */
  readonly picked: Uint8Array;
  /** TTL in seconds of the last pick, before the record's own TTL is applied. */
  ttl: number;
  /**
   * Picks for pool number `pool` and address family 4 or 6. Returns how many addresses are in `picked`;
   * 0 = the pool holds none of that family (NODATA); PICK_SERVFAIL = answer SERVFAIL.
   * Makes no object; reads the state table afresh at each call.
   */
  pick(pool: number, family: number, client: Client): number;
}
