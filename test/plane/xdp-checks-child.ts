// Runs inside a host of the lab: prints what the checks at start find there, for one service.
import { openLibc } from '../../src/nic/libc.ts';
import { openRtnetlink } from '../../src/nic/rtnetlink.ts';
import { formatFinding } from '../../src/plane/xdp/checks.ts';
import { checkHost } from '../../src/plane/xdp/checks-host.ts';
import { spec } from './xdp-specs.ts';

const [interfaces, forward, ...servers] = process.argv.slice(2);
const libc = await openLibc();
const rt = openRtnetlink(libc);
const service = spec(
  'tcp 10.1.0.100:80',
  forward as 'nat',
  servers.map(a => `${a}:80`),
);
for (const finding of checkHost(libc, rt, interfaces.split(','), [service]))
  console.log(`${finding.level}: ${formatFinding(finding)}`);
rt.close();
