// gtm realserver and gtm lvs diff at the command line: what is refused, and with which words. What they do is tested where there
// is something to do it to.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inside } from './run.ts';

describe('what is refused', () => {
  for (const [args, code, words] of [
    [
      ['realserver', 'check', '--mode', 'dsr', '--vip', '192.0.2.10'],
      2,
      /«dsr» is none of dr, nat, tun, fullnat/,
    ],
    [
      ['realserver', 'check', '--mode', 'dr', '--vip', '192.0.2.300'],
      2,
      /--vip: «192\.0\.2\.300» is no address/,
    ],
    [['realserver', 'check', '--mode', 'dr'], 2, /--vip/],
    [
      ['realserver', 'check', '--mode', 'tun', '--tunnel', 'vxlan', '--vip', '192.0.2.10'],
      2,
      /none of ipip, gre, gue/,
    ],
    [['realserver', 'check', '--mode', 'tun', '--tunnel-port', '0', '--vip', '192.0.2.10'], 2, /1 to 65535/],
    [
      ['realserver', 'check', '--mode', 'dr', '--vip', '192.0.2.10', '--interface', 'nope0'],
      1,
      /no link «nope0»; there are .*lo/,
    ],
    [['realserver', 'undo', '--state', '/proc/version'], 1, /not a state of gtm realserver/],
    [['realserver', 'toa', '--listen', 'everywhere'], 2, /not ADDRESS:PORT/],
    [['lvs', 'diff', '--node', 'fra-1', '--url', 'http://127.0.0.1:1'], 1, /node fra-1 has plane proxy/],
  ] as const)
    it(args.join(' '), async () => {
      const ran = await inside(args);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, words);
    });

  it('without a state there is nothing to undo', async () => {
    const ran = await inside(['realserver', 'undo', '--state', '/nowhere/state.json', '--yes']);
    assert.deepEqual([ran.code, ran.out, ran.err], [0, '', 'nothing to undo\n']);
  });
});
