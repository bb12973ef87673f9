// Run as a child process that trusts the tests' root (NODE_EXTRA_CA_CERTS is read at start only): probes each target
// given as JSON and prints what came of it, one line each.
import { http } from '../../src/probe/http.ts';
import { checkOf } from './servers.ts';

for (const { port, https } of JSON.parse(process.argv[2]) as { port: number; https: object }[]) {
  const target = { address: '127.0.0.1', port, check: checkOf({ https }) };
  const signal = AbortSignal.timeout(5000);
  console.log(await http(target, signal).catch((e: Error) => e.message));
}
