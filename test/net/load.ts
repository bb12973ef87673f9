// Load on a DNS server from a process of its own, so that neither waits for the other.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Report {
  sent: number;
  lost: number;
  /** The longest wait for an answer, and the longest for a processor by the client itself, ms. */
  latest: number;
  stall: number;
  answers: Record<string, number>;
}

/** Starts load-client.ts; resolves once it asks. `report` settles when it has ended. */
export async function load(port: number, ms: number, rate: number): Promise<{ report: Promise<Report> }> {
  const script = join(import.meta.dirname, 'load-client.js');
  const child = spawn(process.execPath, [script, `${port}`, `${ms}`, `${rate}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  const started = new Promise<void>(resolve => {
    child.stdout.on('data', chunk => {
      output += chunk;
      if (output.includes('started')) resolve();
    });
  });
  const report = once(child, 'close').then(() => JSON.parse(output.split('\n')[1]) as Report);
  await started;
  return { report };
}
