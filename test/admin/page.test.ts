// The page: what it shows, and that no text from elsewhere becomes markup.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { html } from '../../src/web/html.ts';
import { PAGE_POLICY, renderPage } from '../../src/web/page.ts';
import { hostileStatus, statusFixture } from './fixture.ts';

test('every state is told by a word and a sign', () => {
  const page = renderPage(statusFixture());
  for (const part of [
    '● up',
    '✕ down',
    '◐ drain · forced',
    '42.9%',
    'http 200 in 3 ms',
    'connect ECONNREFUSED',
    'kernel upgrade',
    'anna',
    'new-year',
    'nyc-1',
    'redis://127.0.0.2:6379',
    '12.3k',
    'degraded',
  ])
    assert.ok(page.includes(part), part);
  assert.match(page, /<rect class="fill" width="43"/);
});

test('no hostile name becomes markup', () => {
  const plain = renderPage(statusFixture());
  const page = renderPage(hostileStatus());
  const count = (text: string, part: RegExp) => (text.match(part) ?? []).length;
  assert.equal(count(page, /<script/g), count(plain, /<script/g));
  assert.equal(count(page, /alert\("x"\)/g), 0);
  assert.equal(count(page, /alert\(&quot;x&quot;\)/g) > 20, true);
  assert.doesNotMatch(page, /&(?!(amp|lt|gt|quot|#39);)/);
});

test('the policy’s hashes are those of what stands in the page', () => {
  const page = renderPage(statusFixture());
  for (const tag of ['style', 'script']) {
    const inside = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page)?.[1] as string;
    const hash = createHash('sha256').update(inside).digest('base64');
    assert.ok(PAGE_POLICY.includes(`${tag}-src 'sha256-${hash}'`), tag);
  }
  assert.match(PAGE_POLICY, /img-src data:/);
  assert.doesNotMatch(page, / style="| on[a-z]+="|src="/);
});

test('a template escapes text, keeps markup, and drops nothing else', () => {
  const inner = html`<b>${'<&>"'}</b>`;
  assert.equal(
    html`${inner}${[inner, 1]}${undefined}${false}${0}`.text,
    `${'<b>&lt;&amp;&gt;&quot;</b>'.repeat(2)}10`,
  );
});
