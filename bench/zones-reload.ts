// Reloads of one zone of many under load: dnsperf asks for names of that zone and of others, and counts what is lost; a
// client beside it holds each answer against the generations of the zone: eight addresses of one, or it is a mixture.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../src/net/ask.ts';
import { cpuOf, startAndAsk } from './zones-process.ts';
import { LOADERS, type ZoneSet } from './zones-servers.ts';

export interface Reloads {
  reloads: number;
  /** Other zones, which stay as they are. */
  zones: number;
  /** Milliseconds a reload took, from the request to the word that all workers have it. */
  median: number;
  slowest: number;
  cpuPerReload: number;
  queries: number;
  lost: number;
  checked: number;
  mixed: number;
  generations: number;
}

const NAME = 'changing.example';

function zoneText(generation: number): string {
  const [high, low] = [generation >> 8, generation & 255];
  const www = Array.from({ length: 8 }, (_, i) => `www 60 IN A 10.${high}.${low}.${i + 1}\n`);
  return `@ 60 IN SOA ns h ${generation} 1h 1h 1d 60\n@ 60 IN NS ns\nns 60 IN A 192.0.2.1\n${www.join('')}`;
}

/** Runs `count` reloads over a set of zones; throws where one fails. */
export async function reloadUnderLoad(
  set: ZoneSet,
  dir: string,
  port: number,
  count: number,
): Promise<Reloads> {
  mkdirSync(dir, { recursive: true });
  const file = join(set.dir, 'zones', `${NAME}.zone`);
  writeFileSync(file, zoneText(0));
  const command = LOADERS[0].configure(set, dir, port);
  const first = { name: `www.${NAME}`, address: '10.0.0.1' };
  const { pid, stop } = await startAndAsk(command, dir, port, [first], 120);
  try {
    const questions = join(dir, 'questions');
    const names = [`www.${NAME}`, ...set.questions.map(q => q.name)];
    writeFileSync(questions, names.map(n => `${n} A\n`).join(''));
    const perf = dnsperf(port, questions);
    const watch = check(port);
    const waits: number[] = [];
    const before = cpuOf(pid);
    for (let i = 1; i <= count; i++) {
      writeFileSync(`${file}.new`, zoneText(i));
      renameSync(`${file}.new`, file);
      const began = performance.now();
      await reload(port + 1, i);
      waits.push(performance.now() - began);
    }
    const cpu = cpuOf(pid) - before;
    const { queries, lost } = await perf.stop();
    waits.sort((a, b) => a - b);
    return {
      reloads: count,
      zones: set.zones.length,
      median: waits[waits.length >> 1],
      slowest: waits[waits.length - 1],
      cpuPerReload: cpu / count,
      queries,
      lost,
      ...(await watch.stop()),
    };
  } finally {
    await stop();
  }
}

async function reload(port: number, generation: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/reload`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`reload ${generation}: ${text}`);
}

function dnsperf(port: number, questions: string) {
  const args = ['-s', '127.0.0.1', '-p', `${port}`, '-d', questions, '-l', '3600', '-Q', '4000', '-q', '100'];
  const child = spawn('dnsperf', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let text = '';
  child.stdout.on('data', (d: Buffer) => {
    text += d;
  });
  const ended = once(child, 'close');
  return {
    async stop() {
      child.kill('SIGINT');
      await ended;
      const number = (what: string) => Number(new RegExp(`${what}:\\s+(\\d+)`).exec(text)?.[1] ?? Number.NaN);
      return { queries: number('Queries sent'), lost: number('Queries lost') };
    },
  };
}

// Asks one query after the other, and looks at the answer.
function check(port: number) {
  let going = true;
  let checked = 0;
  let mixed = 0;
  const generations = new Set<string>();
  const question = { server: '127.0.0.1', port, name: `www.${NAME}`, type: 'A', timeout: 2000 };
  const loop = (async () => {
    while (going) {
      const { answers } = await ask(question);
      const seen = new Set(answers.map(a => a.text.slice(0, a.text.lastIndexOf('.'))));
      checked++;
      if (answers.length !== 8 || seen.size !== 1) mixed++;
      for (const s of seen) generations.add(s);
    }
  })();
  return {
    async stop() {
      going = false;
      await loop;
      return { checked, mixed, generations: generations.size };
    },
  };
}
