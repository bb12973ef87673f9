// What tcp.ts and udp.ts have in common: the socket of a service, and what it let in.
import type { ConnectionRow } from '../../model/service.ts';

export interface Listener {
  /** Connections or flows that are open. */
  readonly open: number;
  /** Opens the socket; resolves to why it could not be opened, or undefined. */
  listen(): Promise<string | undefined>;
  /** Takes nothing new from now on; a TCP connection that is open goes on. */
  stop(): void;
  /** Ends what is open, at once. */
  cut(): void;
  /** Adds what is open to `out`, up to `limit` rows in it; `now` in monotonic milliseconds. */
  list(out: ConnectionRow[], limit: number, now: number): void;
}

/** Something that an operator should read, about the service `key`. */
export type Warn = (key: string, message: string) => void;
