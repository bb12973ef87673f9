// The bar of a long load: only on a terminal, only when there is something to wait for.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { barText, progressBar } from '../../src/daemon/progress.ts';

function terminal(isTTY: boolean) {
  let at = 0;
  const written: string[] = [];
  const bar = progressBar({ isTTY, write: text => written.push(text) }, () => at);
  const show = (ms: number, done: number, of: number, part = 0) => {
    at = ms;
    bar.show(done, of, part);
  };
  return { bar, show, written };
}

test('nothing in the first half second, then ten lines a second at most, over each other, gone at the end', () => {
  const { bar, show, written } = terminal(true);
  show(100, 1, 10);
  show(499, 2, 10);
  assert.deepEqual(written, []);
  show(500, 3, 10);
  show(550, 4, 10);
  show(600, 5, 10);
  bar.done();
  bar.done();
  assert.deepEqual(written, [`\r${barText(3, 10, 0)}\x1b[K`, `\r${barText(5, 10, 0)}\x1b[K`, '\r\x1b[K']);
});

test('a quick load, or no terminal: not a byte', () => {
  for (const { bar, show, written } of [terminal(true), terminal(false)]) {
    show(400, 1, 2);
    bar.done();
    assert.deepEqual(written, []);
  }
  const { show, written } = terminal(false);
  show(5000, 1, 2);
  assert.deepEqual(written, []);
});

test('the line', () => {
  const rows: [number, number, number, string][] = [
    [0, 1, 0.5, 'reading zones [███████████████···············]  50 %'],
    [25_000, 100_000, 0, 'reading zones [███████·······················]  25 %  25,000 of 100,000 zones'],
    [2, 2, 0, 'reading zones [██████████████████████████████] 100 %  2 of 2 zones'],
    [0, 0, 0, 'reading zones [······························]   0 %'],
  ];
  for (const [done, of, part, text] of rows) assert.equal(barText(done, of, part), text);
});
