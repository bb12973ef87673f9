// GET /v1/connections: the list, and its bound.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminApp } from '../../src/admin/app.ts';
import { connectionsFixture, FakeNode } from './fixture.ts';

async function get(query: string): Promise<[number, Record<string, unknown>]> {
  const reply = await adminApp(new FakeNode()).request(`http://127.0.0.1/v1/connections${query}`, {
    headers: { host: '127.0.0.1' },
  });
  return [reply.status, (await reply.json()) as Record<string, unknown>];
}

test('the connections as they are, at most as many as asked for', async () => {
  const [status, body] = await get('');
  assert.equal(status, 200);
  assert.deepEqual(body, { apiVersion: 'v1', kind: 'ConnectionList', items: connectionsFixture() });
  const [, few] = await get('?limit=1');
  assert.equal((few['items'] as unknown[]).length, 1);
});

for (const limit of ['0', '10001', 'x', '-1', ''])
  test(`limit=${limit} is refused`, async () => {
    const [status, body] = await get(`?limit=${limit}`);
    assert.deepEqual([status, body['detail']], [400, 'limit: expected a number from 1 to 10000']);
  });
