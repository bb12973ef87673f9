// Why a listening socket could not be opened, in words that say what to do.

const WHY: Record<string, string> = {
  EADDRINUSE: 'another process has this address and port',
  EADDRNOTAVAIL: 'the address is not on this host',
  EACCES: 'no permission: a port below 1024 wants CAP_NET_BIND_SERVICE',
  EMFILE: 'too many open files: raise the limit (ulimit -n)',
};

/** `cannot listen on 192.0.2.10:80: EADDRINUSE: another process has this address and port`. */
export function listenFault(endpoint: string, error: NodeJS.ErrnoException): string {
  const code = error.code ?? error.message;
  const why = WHY[code];
  return `cannot listen on ${endpoint}: ${code}${why === undefined ? '' : `: ${why}`}`;
}

/** Errors of this host, not of the real server that was being opened: another server would not do better. */
export const LOCAL_ERRORS: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);
