// Run by chain.test.ts in a process of its own, with --expose-gc and a nursery so large that nothing is collected while
// we measure: prints the octets of heap that a query costs, for each kind of query, as JSON.
import { makeResponder } from '../../src/dns/chain.ts';
import { newCounters } from '../../src/dns/counters.ts';
import { shareSettings } from '../../src/dns/settings.ts';
import { client, fixedSteering, option, query, zonesOf } from './serve.ts';

const ZONE = `$TTL 60
@ SOA ns root 1 2 3 4 5
@ NS ns
ns A 192.0.2.1
www A 192.0.2.2
mail MX 10 www
alias CNAME www
*.wild A 192.0.2.3
sub NS ns.sub
ns.sub A 192.0.2.4
d DNAME wild
pool POOL web
big TXT ${Array.from({ length: 6 }, () => `"${'x'.repeat(250)}"`).join(' ')}
`;
const ASKED = 'www A,www AAAA,nope A,mail MX,alias A,a.wild A,x.sub A,a.d A,pool A,big TXT,ns ANY'.split(',');
const ROUNDS = 20;
/** Octets a query: this little is nothing, and needs no further round. */
const NOTHING = 0.2;
const QUERIES = 200_000;

// Everything on: cookies made and verified, subnets read, rates counted (and not reached).
const settings = shareSettings(
  {
    cookies: { secrets: ['00'.repeat(16)], require: false },
    ecs: true,
    nsid: 'fra-1',
    chaos: { version: 'x' },
    rrl: {
      responses_per_second: 1_000_000,
      nxdomains_per_second: 20,
      errors_per_second: 1_000_000,
      slip: 2,
      window: 15_000,
      table: 4096,
      exempt: ['10.0.0.0/8'],
    },
  },
  new Uint8Array(20),
);
const OPTIONS = [
  option(10, 'ab'.repeat(8)),
  option(10, `${'ab'.repeat(8)}01000000${'00'.repeat(12)}`),
  option(10, 'ab'.repeat(8)) + option(8, '0001 18 00 c00002') + option(3, ''),
];

const respond = makeResponder({
  settings,
  seconds: () => 1559731985,
  zones: zonesOf({ z: ZONE }, ['web']),
  steering: fixedSteering({ web: { addresses: ['127.1.0.10', '127.2.0.10'], ttl: 10 } }),
  counters: newCounters(),
});
const out = new Uint8Array(65535);
const who = client();
const messages = ASKED.map(asked => query(asked.replace(' ', '.z '), { edns: 1232 }));
for (const text of OPTIONS)
  messages.push(query('www.z A', { edns: 1232, options: Uint8Array.from(Buffer.from(text, 'hex')) }));
// With the cookie that the first of them was given.
const first = messages[ASKED.length];
const given = respond(first, first.length, out, who, 0);
messages.push(query('www.z A', { edns: 1232, options: out.slice(given - 28, given) }));
messages.push(query('version.bind TXT', { class: 3 }));
messages.push(query('www.elsewhere A'), query('www.z A', { flags: 2 << 11 }), query('www.z A').slice(0, 20));

function run(message: Uint8Array, times: number): void {
  for (let i = 0; i < times; i++) respond(message, message.length, out, who, i);
}

const MEASURED = Math.ceil(QUERIES / messages.length);
const cost: number[] = [];
for (const message of messages) run(message, 20_000);
for (const message of messages) {
  run(message, 20_000);
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS && least > NOTHING; round++) {
    globalThis.gc?.();
    const before = process.memoryUsage().heapUsed;
    run(message, MEASURED);
    least = Math.min(least, (process.memoryUsage().heapUsed - before) / MEASURED);
  }
  cost.push(least);
}
process.stdout.write(JSON.stringify(cost));
