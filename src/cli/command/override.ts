// gtm vip|site drain|ready|maint|weight: an operator's word, with who, why and until when.
import { userInfo } from 'node:os';
import { formatDuration } from '../../kit/duration.ts';
import { GtmError } from '../../kit/errors.ts';
import { formatPercent, plain } from '../../kit/text.ts';
import type { Override } from '../../model/records.ts';
import { adminClient } from '../client.ts';
import { type Context, durationFlag, type Run, say } from '../context.ts';
import { EXIT } from '../exit.ts';
import { clock } from '../status-text.ts';

export function override(noun: 'vip' | 'site', verb: 'drain' | 'ready' | 'maint' | 'weight'): Run {
  return async (ctx: Context) => {
    const [name, percent] = ctx.args;
    const reason = ctx.flags.text('reason');
    const lasts = ctx.flags.text('for');
    durationFlag(ctx, 'for');
    const body = {
      ...(reason !== undefined && { reason }),
      who: ctx.flags.text('by') ?? userInfo().username,
      ...(lasts !== undefined && { for: lasts }),
      ...(verb === 'weight' && { weight: weightOf(percent) }),
    };
    const client = adminClient(ctx);
    const said = (await client.post(`/v1/${noun}s/${encodeURIComponent(name)}/${verb}`, body)) as Override;
    if (ctx.flags.on('json')) {
      ctx.io.out(`${JSON.stringify(said)}\n`);
      return EXIT.ok;
    }
    if (!ctx.flags.on('quiet')) ctx.io.out(`${plain(sentence(said))}\n`);
    if (verb !== 'ready') say(ctx, `take it back: gtm ${noun} ready ${name}`);
    return EXIT.ok;
  };
}

/** `50%` or `50`, as the API wants it. */
function weightOf(text: string): string {
  const m = /^(\d+(?:\.\d+)?)%?$/.exec(text);
  if (m === null || Number(m[1]) > 1000)
    throw new GtmError('GTM_USAGE', `«${text}» is not a percentage from 0% to 1000%, such as 50%`);
  return `${m[1]}%`;
}

function sentence(o: Override): string {
  const what = o.state === 'ready' && o.weight !== undefined ? `weight ${formatPercent(o.weight)}` : o.state;
  const until =
    o.until === undefined ? '' : `, until ${clock(o.until)} (${formatDuration(o.until - o.since)})`;
  return `${o.target}: ${what}${until}, by ${o.who}: ${o.reason}`;
}
