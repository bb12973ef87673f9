// The lab without a director: that hosts reach each other and servers answer, so that what fails later is the director's.
import assert from 'node:assert/strict';
import { FAMILIES, type Family, host, MODES, type Mode, SERVERS, type Site, serverAddress } from './site.ts';
import type { Files } from './telling.ts';

export interface PlainStory {
  name: string;
  tell(files: Files): Promise<void>;
}

/** The stories of plain routing, for each of the sites' networks and families. */
export function plainStories(site: Site): PlainStory[] {
  return MODES.filter(m => m !== 'fullnat').flatMap(mode =>
    FAMILIES.flatMap(family => storiesOf(site, mode, family)),
  );
}

function storiesOf(site: Site, mode: Mode, family: Family): PlainStory[] {
  const { client } = site;
  const { names, web, dns } = SERVERS[mode];
  const address = serverAddress(mode, family, 0);
  const name = (what: string) => `plain ${names[0]} ipv${family}: ${what}`;
  return [
    {
      name: name('ping'),
      tell: async () => {
        const { code, out } = await client.run('ping', ['-c', '3', '-i', '0.05', '-W', '1', address]);
        assert.equal(code, 0, out);
      },
    },
    {
      name: name('curl gets 64 MiB whole'),
      tell: async files => {
        const hash = files.hash('medium');
        const { code, out, err } = await client.run(
          'bash',
          ['-c', `set -o pipefail; curl -gsS -m 30 http://${host(address)}:${web}/medium | sha256sum`],
          { timeout: 40_000 },
        );
        assert.equal(code, 0, err);
        assert.equal(out.split(' ')[0], hash);
      },
    },
    {
      name: name('dig'),
      tell: async () => {
        const { out } = await client.run('dig', [
          ...[`@${address}`, '-p', `${dns}`, '+short', '+tries=1', '+time=2', 'whoami.lab', 'TXT'],
        ]);
        assert.equal(out.trim(), `"${names[0]}"`);
      },
    },
    {
      name: name('iperf3'),
      tell: async () => {
        const server = site.servers.get(names[0])?.start('iperf3', ['-s', '-1', '--forceflush']);
        await server?.says(/listening/);
        const { code, out } = await client.run('iperf3', ['-c', address, '-n', '64M', '-J']);
        assert.equal(code, 0, out);
        await server?.stop('SIGKILL');
      },
    },
  ];
}
