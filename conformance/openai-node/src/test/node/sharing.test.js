import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat, client, read, stats, text, upstreamText } from './rig.js';

test('a call of 3.8 s under a timeout of 1 s: three POSTs, one call upstream', async () => {
  let posts = 0;
  const impatient = client({
    timeout: 1_000,
    maxRetries: 2,
    headers: { 'x-sim-first-token-ms': '3800', 'x-sim-token-ms': '0' },
    fetch: (url, init) => {
      posts++;
      return fetch(url, init);
    },
  });

  const answer = await impatient.chat.completions.create(chat('slow', { model: 'sim-vision' }));

  assert.equal(posts, 3);
  assert.deepEqual(await stats('sim-vision'), { calls: 1, cancelled: 0, tokens: 40 });
  assert.equal(answer.choices[0].message.content, await upstreamText('slow'));
});

test('identical calls share one call upstream, and only who asked for usage gets it', async () => {
  const asked = chat('shared', { model: 'sim-complex', temperature: 0, stream: true });
  const patient = client({ headers: { 'x-sim-first-token-ms': '3000', 'x-sim-token-ms': '5' } });
  const first = await patient.chat.completions.create({
    ...asked,
    stream_options: { include_usage: true },
  });
  // The answer's head comes after a second, its first token only now.
  const [withUsage, without, plain] = await Promise.all([
    read(first),
    patient.chat.completions.create(asked).then(read),
    patient.chat.completions.create({ ...asked, stream: false }),
  ]);

  assert.equal((await stats('sim-complex')).calls, 1);
  const expected = await upstreamText('shared');
  assert.equal(text(withUsage), expected);
  assert.equal(withUsage.at(-1).usage.completion_tokens, 40);
  assert.equal(text(without), expected);
  assert.ok(without.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
  assert.equal(plain.object, 'chat.completion');
  assert.equal(plain.choices[0].message.content, expected);
  assert.equal(plain.usage.completion_tokens, 40);
});
