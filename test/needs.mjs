// The programs that the tests start beside ours, and the Debian packages that hold them.
// As root, what is missing is fetched; otherwise one line names it, and the tests that want it report themselves.
import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** program -> Debian package */
export const PROGRAMS = {
  'redis-server': 'redis-server',
  dig: 'bind9-dnsutils',
  curl: 'curl',
  // With the names of protocols (/etc/protocols), which its parser of WKS wants.
  nsd: 'nsd netbase',
  'nsd-checkzone': 'nsd netbase',
  knotd: 'knot',
  nginx: 'nginx',
  zsh: 'zsh',
  groff: 'groff-base',
  'named-checkzone': 'bind9-utils',
  'named-compilezone': 'bind9-utils',
  ip: 'iproute2',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ethtool: 'ethtool',
  ping: 'iputils-ping',
  nft: 'nftables',
  clang: 'clang',
  tcpdump: 'tcpdump',
};

const PATH = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];

/** Whether a program stands on the path (or in the system's sbin folders). */
export function has(program) {
  return PATH.some(dir => {
    try {
      accessSync(join(dir, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Fetches those of `programs` that are missing where that is allowed; returns the ones that still are. */
export function provide(programs = PROGRAMS) {
  process.env.PATH = [...new Set(PATH)].join(delimiter);
  let missing = Object.keys(programs).filter(p => !has(p));
  if (missing.length === 0) return [];
  const packages = [...new Set(missing.flatMap(p => programs[p].split(' ')))];
  if (process.getuid?.() !== 0 || !has('apt-get')) {
    process.stderr.write(`the tests want ${missing.join(', ')}: apt-get install ${packages.join(' ')}\n`);
    return missing;
  }
  process.stderr.write(`fetching ${packages.join(' ')} for the tests\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
    // No service of these packages is to start by itself: the tests start their own on loopback.
    execFileSync(
      'apt-get',
      [
        'install',
        '-y',
        '-qq',
        '--no-install-recommends',
        '-o',
        'Dpkg::Options::=--force-confold',
        ...packages,
      ],
      { env, stdio: ['ignore', 'ignore', 'inherit'] },
    );
  } catch (e) {
    process.stderr.write(`apt-get failed: ${e.message}\n`);
  }
  missing = Object.keys(programs).filter(p => !has(p));
  return missing;
}
