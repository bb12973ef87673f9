// A million random and mutated frames in every test run; more by hand (fuzz.ts).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzz } from './fuzz.ts';

test('a million random and mutated frames', () => {
  const count = fuzz(1_000_000, 20_261_122);
  // The frames reach every part: what is forwarded, answered, told, held and refused.
  for (const reason of [
    'forwarded',
    'scheduled',
    'answered',
    'icmp-in',
    'icmp-out',
    'held',
    'frag-needed',
    'stray',
    'not-ip',
    'no-service',
  ])
    assert.ok(count[reason] > 0, reason);
});
