// The xdp plane between hosts: a real client, real servers, every mode, both families; weights, restart, clean stop.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ServiceSpec } from '../../src/model/service.ts';
import type { Host } from '../lab/hosts.ts';
import { buildNet, Director, type Net, scratch, VIP, VIP6 } from './xdp-hosts.ts';
import { spec } from './xdp-specs.ts';

async function get(client: Host, from: string, url: string, seconds = 3): Promise<string> {
  const { code, out, err } = await client.run('curl', ['-gsS', '-m', `${seconds}`, '--interface', from, url]);
  return code === 0 ? out : `curl ${code}: ${err.trim()}`;
}

const FAR = '10.9.0.2';
const FAR6 = 'fd09::2';
const NEAR = '10.1.0.2';
const NEAR6 = 'fd01::2';
const BACK = ['10.2.0.11', '10.2.0.12'];
const BACK6 = ['fd02::11', 'fd02::12'];

const NAT = [
  spec(
    `tcp ${VIP}:80`,
    'nat',
    BACK.map(a => `${a}:8080`),
  ),
  spec(
    `tcp [${VIP6}]:80`,
    'nat',
    BACK6.map(a => `[${a}]:8080`),
  ),
];
const DR = [
  spec(
    `tcp ${VIP}:80`,
    'dr',
    BACK.map(a => `${a}:80`),
  ),
  spec(
    `tcp [${VIP6}]:80`,
    'dr',
    BACK6.map(a => `[${a}]:80`),
  ),
];
const FULLNAT = [
  spec(
    `tcp ${VIP}:80`,
    'fullnat',
    BACK.map(a => `${a}:8080`),
    { localAddresses: ['10.2.0.50', '10.2.0.51'] },
  ),
  spec(
    `tcp [${VIP6}]:80`,
    'fullnat',
    BACK6.map(a => `[${a}]:8080`),
    { localAddresses: ['fd02::50', 'fd02::51'] },
  ),
];

describe('the xdp plane', () => {
  let net: Net;
  let director: Director;
  const state = scratch();
  before(async () => {
    net = await buildNet();
    director = await Director.start(net.director, state.path);
  });
  after(async () => {
    await director?.kill();
    await net?.close();
    state.remove();
  });

  const MODES: [string, ServiceSpec[], string, string, string[]][] = [
    ['NAT', NAT, FAR, FAR6, [`rs1 ${FAR}`, `rs2 ${FAR}`, `rs1 ${FAR6}`, `rs2 ${FAR6}`]],
    ['DR', DR, NEAR, NEAR6, [`rs1 ${NEAR}`, `rs2 ${NEAR}`, `rs1 ${NEAR6}`, `rs2 ${NEAR6}`]],
    ['FullNAT', FULLNAT, NEAR, NEAR6, ['rs1 10.2.0.51', 'rs1 fd02::51', 'rs2 10.2.0.50', 'rs2 fd02::50']],
  ];
  for (const [mode, services, from, from6, seen] of MODES)
    it(`${mode}: requests reach both servers, which see whom they should`, async () => {
      assert.deepEqual(await director.apply(services), []);
      const said: string[] = [];
      for (let i = 0; i < 2; i++) said.push(await get(net.client, from, `http://${VIP}/`));
      for (let i = 0; i < 2; i++) said.push(await get(net.client, from6, `http://[${VIP6}]/`));
      assert.deepEqual(said.sort(), [...seen].sort(), director.log);
      for (const url of [`http://${VIP}/bytes/3000000`, `http://[${VIP6}]/bytes/3000000`])
        assert.equal((await get(net.client, url.includes('[') ? from6 : from, url, 10)).length, 3_000_000);
    });
});
