// A node begins to answer: the workers' program and what they answer by are loaded then, not before.
import type { Settings } from '../dns/settings.ts';
import type { Log } from '../kit/log.ts';
import type { NodeConfig } from '../model/schema.ts';
import type { Answers } from './answers.ts';
import type { Snapshot } from './snapshot.ts';

/** Opens every address of the node's `dns`. Rejects with GTM_LISTEN… and GTM_NIC, as Answers.start. */
export async function startAnswers(
  dns: NonNullable<NodeConfig['dns']>,
  random: Uint8Array,
  { buffer, zones }: Snapshot,
  state: Uint32Array,
  log: Log,
): Promise<{ settings: Settings; answers: Answers }> {
  const [{ Answers }, { shareSettings }] = await Promise.all([
    import('./answers.ts'),
    import('../dns/settings.ts'),
  ]);
  const settings = shareSettings(dns, random);
  const answers = await Answers.start({
    listen: dns.listen,
    io: dns.io,
    workers: dns.workers,
    tcp: { connections: dns.tcp_connections, perSource: dns.tcp_per_source, idle: dns.tcp_idle },
    udpSize: dns.udp_size,
    settings,
    snapshot: buffer,
    arena: zones.arena,
    state,
    log,
  });
  return { settings, answers };
}
