// Run as a child process that trusts the tests' root (NODE_EXTRA_CA_CERTS is read at start only): probes each target
// given as JSON and prints what came of it, one line each.
import { httpProbe } from '../../src/probe/http.ts';
import { tls } from '../../src/probe/tls.ts';
import { checkOf } from './servers.ts';

const http = httpProbe();
for (const { port, ...config } of JSON.parse(process.argv[2]) as {
  port: number;
  https?: object;
  tls?: object;
}[]) {
  const target = { address: '127.0.0.1', port, check: checkOf(config) };
  const signal = AbortSignal.timeout(5000);
  const probe = config.tls === undefined ? http : tls;
  console.log(await probe(target, signal).catch((e: Error) => e.message));
}
