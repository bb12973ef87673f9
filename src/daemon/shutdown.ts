// Signals of a foreground process: TERM and INT end it in order, a second one ends it now, HUP reloads.

/** Resolves with the exit code once a signal asks to stop; `reload` runs at each SIGHUP. */
export function untilStopped(reload: () => void): Promise<number> {
  process.on('SIGHUP', reload);
  return new Promise(resolve => {
    let asked = false;
    const stop = (signal: NodeJS.Signals) => {
      if (asked) process.exit(130);
      asked = true;
      // A supervisor's TERM is a clean end; a person's Ctrl-C is an interrupt, which shells tell apart.
      resolve(signal === 'SIGINT' ? 130 : 0);
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
  });
}
