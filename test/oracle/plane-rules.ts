// Stories about ipvsadm's rules, told inside the kernel under test: the program takes what `gtm lvs save` writes, and `gtm lvs
// restore` reads what the program writes.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { formatEndpoint } from '../../src/kit/ip.ts';
import { readRules } from '../../src/lvs/rules/read.ts';
import type { RuleService } from '../../src/lvs/rules/rule.ts';
import { writeRules } from '../../src/lvs/rules/write.ts';
import { anyServices } from '../lvs/any-rules.ts';
import { ipvsadm } from './plane-kit.ts';

/** Tables of services, by dice. */
const TABLES = 8;

function take(rules: string): void {
  execFileSync('ipvsadm', ['-R'], { input: rules });
}

/** Lines in an order of their own, without what ipvsadm -S leaves out. */
function lines(rules: string): string[] {
  const bare = rules.replaceAll(/ -[xy] \d+/g, '').split('\n');
  return bare.filter(l => l !== '' && !l.startsWith('--set')).sort();
}

/** As the program lists them: servers sorted, and with no thresholds or time-outs. */
function told(services: readonly RuleService[]): string[] {
  return services
    .map(({ protocol, address, port, scheduler, flags, persistence, forward, tunnel, realServers }) => {
      const at = realServers.map(rs => `${formatEndpoint(rs.address, rs.port)} ${rs.weight}`).sort();
      const { type, port: received, checksum } = tunnel;
      const how = [scheduler, ...flags, persistence, forward, type, received, checksum];
      return [protocol, formatEndpoint(address, port), ...how, ...at].join(' ');
    })
    .sort();
}

export const RULES: Record<string, () => Promise<unknown>> = {
  'ipvsadm takes the rules that gtm lvs save writes, and writes the same ones': async () => {
    let services = 0;
    for (let seed = 1; seed <= TABLES; seed++) {
      // The kernel under test has no twos.
      const all = anyServices(seed).filter(s => s.scheduler !== 'twos');
      const { text } = writeRules(all);
      ipvsadm('-C');
      take(text);
      const saved = ipvsadm('-S', '-n');
      assert.deepEqual(lines(saved), lines(text), `seed ${seed}`);
      const read = readRules(saved, 'ipvsadm');
      assert.deepEqual(read.diagnostics, []);
      assert.deepEqual(told(read.services), told(all), `seed ${seed}`);
      services += all.length;
    }
    return `${services} services in ${TABLES} tables`;
  },

  'thresholds and time-outs of the rules stand in the kernel': async () => {
    take(`--set 61 62 63
-A -t 192.0.2.10:80 -s wlc
-a -t 192.0.2.10:80 -r 172.16.0.11:8080 -m -w 3 -x 100 -y 50
`);
    assert.match(ipvsadm('-Ln', '--thresholds'), /172\.16\.0\.11:8080\s+100\s+50/);
    assert.match(ipvsadm('-Ln', '--timeout'), /61 62 63/);
    ipvsadm('--set', '900', '120', '300');
  },

  'what ipvsadm writes of services that we do not have is refused by name': async () => {
    take(`-A -f 7 -s rr
-A -t 192.0.2.13:80 -s rr -p 600 -M 255.255.255.0
-A --sctp-service 192.0.2.14:80 -s lc
`);
    const { services, diagnostics } = readRules(ipvsadm('-S', '-n'), 'ipvsadm');
    assert.deepEqual(services, []);
    assert.deepEqual(diagnostics.map(d => d.message.split(':').at(-1)?.trim()).sort(), [
      'no SCTP here',
      'no services by firewall mark here',
      'persistence is for single clients here, not for networks',
    ]);
  },
};
