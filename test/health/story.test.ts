// Timed stories of a cluster: who is up, with which weight, as each node makes it out. See story.ts for the words.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ADMIN } from './stories-admin.ts';
import { VOTES } from './stories-votes.ts';
import { Story } from './story.ts';

let count = 0;
for (const block of `${VOTES}\n${ADMIN}`.split(/^# /m).slice(1)) {
  const [title, ...lines] = block.split('\n').map(l => l.trim());
  count++;
  test(title, () => {
    const story = new Story();
    let checks = 0;
    for (const line of lines.filter(l => l !== '')) {
      try {
        story.tell(line);
      } catch (e) {
        (e as Error).message = `at «${line}»: ${(e as Error).message}`;
        throw e;
      }
      if (/^\d+\w+ \S+: /.test(line)) checks++;
    }
    assert.ok(checks > 0, 'the story expects nothing');
  });
}

test('the stories were all read', () => assert.ok(count >= 40, `${count} stories`));
