// Runs inside a host of the lab: the xdp plane, told by lines of JSON on stdin, answering with a line for each.
//   { apply: ServiceSpec[] } · { weigh: [vip, server, weight] } · { counters } · { connections } · { figures } · { crash } · { close }
import { createInterface } from 'node:readline';
import type { Worker } from 'node:worker_threads';
import { reason } from '../../src/kit/errors.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { openAhead } from '../../src/plane/xdp/ahead.ts';
import { openXdpPlane } from '../../src/plane/xdp.ts';

const [stateDir, interfaces, attach] = process.argv.slice(2);
const say = (level: string) => (fields: object, message: string) =>
  console.error(level, message, JSON.stringify(fields));
const workers: Worker[] = [];
let threads = 0;
process.on('worker', w => {
  workers.push(w);
  threads++;
});
const ahead = await openAhead();
ahead?.openProgram();
const plane = await openXdpPlane({
  director: {
    plane: 'xdp',
    interfaces: interfaces === '' ? [] : interfaces.split(','),
    connections: 65_536,
    attach: attach as 'auto',
    moderation: 'adaptive',
    links: [],
    own_all: false,
    drain: 0,
  },
  stateDir,
  log: { debug() {}, info: say('info'), warn: say('warn'), error: say('error') },
  ...(ahead && { ahead }),
  onFault: text => console.error('fault', text),
});

async function obey(line: string): Promise<unknown> {
  const said = JSON.parse(line) as {
    apply?: ServiceSpec[];
    weigh?: [string, string, number];
    counters?: true;
    connections?: number;
    figures?: true;
    crash?: true;
  };
  if (said.apply !== undefined) {
    const faults = await plane.apply(said.apply);
    console.error(`${ahead === undefined ? 'cold' : 'ahead'}: ${threads} threads`);
    return faults;
  }
  if (said.weigh !== undefined) return plane.weigh(...said.weigh) ?? null;
  if (said.counters !== undefined) return plane.counters();
  if (said.figures !== undefined) return plane.figures?.();
  if (said.crash !== undefined) return Promise.all(workers.splice(0).map(w => w.terminate()));
  if (said.connections !== undefined) return plane.connections(said.connections);
  await plane.close();
  await ahead?.close();
  process.stdin.destroy();
  return null;
}

let last: Promise<void> = Promise.resolve();
createInterface({ input: process.stdin }).on('line', line => {
  last = last.then(async () => {
    const answer = await obey(line).catch(e => ({ failed: reason(e) }));
    console.log(JSON.stringify(answer ?? null));
  });
});
console.log('"ready"');
