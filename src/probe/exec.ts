// The exec probe: a program's exit code. No shell; a small environment; its first line of output is the text.
// Invariant: the program is the leader of a process group of its own, and nothing of that group is left when the probe ends.
import { spawn } from 'node:child_process';
import { portOf } from '../model/probe-kind.ts';
import { type Probe, ProbeFault, socketFault } from './probe.ts';

/** As much of a stream is kept, bytes; the rest is read and thrown away, so that nobody waits for a full pipe. */
const KEPT = 4096;
/** What a process that left the group may hold the output open after the program's end, ms. */
const LINGER_MS = 50;

export const exec: Probe = (target, signal) =>
  new Promise((resolve, reject) => {
    const { check, address } = target;
    if (check.exec === undefined) throw new TypeError('not an exec check');
    const [program, ...args] = check.exec.command;
    const child = spawn(program, args, {
      detached: true,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        LC_ALL: 'C',
        GTM_ADDRESS: address,
        GTM_PORT: String(portOf(check) ?? target.port),
        GTM_TIMEOUT_MS: String(check.timeout),
      },
    });
    const said = [child.stdout, child.stderr].map(stream => {
      let text = '';
      stream.setEncoding('utf8');
      stream.on('error', () => {});
      stream.on('data', (d: string) => {
        if (text.length < KEPT) text += d.slice(0, KEPT - text.length);
      });
      return () => firstLine(text);
    });
    const stop = () => {
      killGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      reject(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    child.once('error', e => {
      signal.removeEventListener('abort', stop);
      reject(new ProbeFault(`cannot run ${program}: ${socketFault(e)}`));
    });
    child.once('exit', (code, killed) => {
      signal.removeEventListener('abort', stop);
      // What it left in the background goes with it.
      killGroup(child.pid);
      const finish = () => {
        clearTimeout(timer);
        child.stdout.destroy();
        child.stderr.destroy();
        const line = said[0]() || said[1]();
        const tail = line === '' ? '' : `: ${line}`;
        if (code === 0) resolve(line === '' ? 'exit 0' : line);
        else reject(new ProbeFault(killed === null ? `exit ${code}${tail}` : `ended by ${killed}${tail}`));
      };
      const timer = setTimeout(finish, LINGER_MS);
      child.once('close', finish);
    });
  });

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

function firstLine(text: string): string {
  return (text.split('\n').find(line => line.trim() !== '') ?? '').trim().slice(0, 200);
}
