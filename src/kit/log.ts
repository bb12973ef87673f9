// What a room may say to the log. The door to pino is daemon/log.ts; rooms are handed one of these.

/** One line a fact: `fields` for machines, `message` as «subject: what: why» in lower case. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Says nothing: for tests and for callers that do not care. */
export const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };
