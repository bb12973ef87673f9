// A restart that goes on where the run before stopped: it forwards by the services and weights of then, before the command line and the
// cluster file are read. What these say is applied to the same plane once it is known.
//   links pinned, a file of the last minute, same command line and cluster file → threads → plane → Ahead, that Node.forward takes it from
// Invariant: nothing is resumed that is in doubt; what nobody takes, or a signal ends before, is written down again.
import { existsSync } from 'node:fs';
import type { Log } from '../kit/log.ts';
import type { Ahead, Owner } from '../plane/xdp/ahead.ts';
import { PINS } from '../plane/xdp/pin-folder.ts';
import { type Resume, takeResume } from '../plane/xdp/resume-file.ts';
import { startThread } from '../plane/xdp/thread.ts';
import { CONFIG_BYTES, markWord, readMarked } from './files.ts';
import { runWord } from './run-mark.ts';

/** More than that is not said before there is a log. */
const MOST_SAID = 1000;

/** Begins to forward as the run before did. Undefined: it is a start like any other. Never throws. */
export async function resume(): Promise<Ahead | undefined> {
  if (!existsSync(PINS)) return undefined;
  try {
    const left = takeResume(Date.now());
    return left && isSame(left.resume) ? await goOn(left.resume, left.folder) : undefined;
  } catch {
    // Whatever it was, it is met again by the start like any other, and told.
    return undefined;
  }
}

function isSame({ mark }: Resume): boolean {
  if (mark.run !== runWord()) return false;
  const read = readMarked(mark.file, CONFIG_BYTES, Date.now());
  return 'mark' in read && markWord(read.mark) === mark.print;
}

async function goOn({ director, services, workers, mark }: Resume, stateDir: string): Promise<Ahead> {
  const threads = Array.from({ length: workers }, (_, i) => startThread(`xdp-${i}`));
  const [{ openXdpPlane }, { Ahead }] = await Promise.all([
    import('../plane/xdp.ts'),
    import('../plane/xdp/ahead.ts'),
  ]);
  const ahead = new Ahead(undefined, threads);
  const log = new LaterLog();
  let owner: Owner = { log, onFault: () => {}, mark: () => mark };
  const onFault = (why: string) => owner.onFault(why);
  const plane = await openXdpPlane({ director, stateDir, log, ahead, onFault, mark: () => owner.mark() });
  const end = (signal: NodeJS.Signals) =>
    void plane.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 0));
  // There is nothing yet that could be read again.
  const wait = () => {};
  process.on('SIGTERM', end).on('SIGINT', end).on('SIGHUP', wait);
  const unhear = () => process.off('SIGTERM', end).off('SIGINT', end).off('SIGHUP', wait);
  const adopt = (by: Owner) => {
    owner = by;
    unhear();
    log.to(by.log);
  };
  ahead.hold({ plane, director, stateDir, adopt });
  try {
    // What is at fault is told by whoever applies what the files say.
    await plane.apply(services);
  } catch (e) {
    unhear();
    await ahead.close();
    throw e;
  }
  log.info(
    { services: services.length },
    'xdp plane: forwards by what the run before left, until the files are read',
  );
  return ahead;
}

/** Keeps what is said until there is a log. */
class LaterLog implements Log {
  #log: Log | undefined;
  readonly #said: [keyof Log, object, string][] = [];

  to(log: Log): void {
    this.#log = log;
    for (const [level, fields, message] of this.#said.splice(0)) log[level](fields, message);
  }

  debug(fields: object, message: string): void {
    this.#say('debug', fields, message);
  }

  info(fields: object, message: string): void {
    this.#say('info', fields, message);
  }

  warn(fields: object, message: string): void {
    this.#say('warn', fields, message);
  }

  error(fields: object, message: string): void {
    this.#say('error', fields, message);
  }

  #say(level: keyof Log, fields: object, message: string): void {
    if (this.#log !== undefined) this.#log[level](fields, message);
    else if (this.#said.length < MOST_SAID) this.#said.push([level, fields, message]);
  }
}
