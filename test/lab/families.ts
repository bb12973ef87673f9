// A VIP of one family whose real servers are reached over the other: only tunnels carry that.
import { dig, inTurn, upload } from './contents.ts';
import { until } from './hosts.ts';
import { answers, type Context } from './telling.ts';

export async function otherFamily(c: Context): Promise<void> {
  // They are others to the director, which looks at them first.
  const change = async (what: Parameters<Context['director']['change']>[0]) => {
    await c.director.change(what);
    const both = async () => (await answers(c, 6).catch(() => new Map())).size === 2;
    await until('both answer', both, 20_000);
  };
  try {
    for (const tunnel of ['ipip', 'gue', 'gre'] as const) {
      await change({ [c.mode]: { tunnel, mixed: true } });
      await inTurn(c);
      await upload(c);
      await dig(c);
    }
  } finally {
    await change({});
  }
}
