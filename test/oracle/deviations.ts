// Where the core differs from the kernel on purpose. A story ends at such a step, as the two go on differently.
import type { Mismatch } from './check.ts';
import type { Story } from './story.ts';

export interface Deviation {
  name: string;
  why: string;
  /** The two agree about everything after it. */
  goesOn: boolean;
  is: (story: Story, mismatch: Mismatch) => boolean;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    name: 'icmp6-of-nat',
    why: 'the kernel drops ICMPv6 errors about NAT connections, as it sums them up without the pseudo header; path MTU discovery needs them',
    goesOn: false,
    is: (story, m) => {
      const step = story.steps[m.step];
      const cell = step.do === 'frame' ? (step.cell ?? story.cell) : '';
      return (
        / nat .*v6$/.test(cell) &&
        /icmp6/.test(m.what) &&
        m.kernel === 'nothing' &&
        m.core.startsWith('icmp-out')
      );
    },
  },
  {
    name: 'template-timer',
    why: 'kernel timers fire up to an eighth late, so whether a template that is due about when its last connection is gets held for it, and until when, is a matter of chance',
    goesOn: false,
    is: (_story, m) =>
      m.what === 'connections' &&
      /:0 .* (NONE|ASSURED) \d+$/.test(m.core.includes('has it not') ? m.kernel : m.core),
  },
  {
    name: 'mtu-relayed',
    why: 'the kernel passes on the path MTU that it knew before the error; the core the one that the error tells, so that the client learns it at once',
    goesOn: true,
    is: (_story, m) =>
      m.core.startsWith('mtu-relayed: ') &&
      m.core.includes('type 3 code 4') &&
      m.kernel.includes('type 3 code 4'),
  },
];

/** The deviation that a mismatch is. */
export function deviation(story: Story, mismatch: Mismatch): Deviation | undefined {
  return DEVIATIONS.find(d => d.is(story, mismatch));
}
