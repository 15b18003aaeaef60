import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { cancel, chat, client, delta, eventually, run, stats, upstreamText } from './rig.js';

// Five tokens come, and then nothing: who has them got them before the end.
const stalling = (model, prompt) =>
  chat(prompt, { model: `${model}:stall-after=5`, stream: true });

async function fiveTokens(chunks) {
  let text = '';
  for (let tokens = 0; tokens < 5; ) {
    const { value, done } = await chunks.next();
    assert.ok(!done, 'the stream ended after ' + tokens);
    text += delta(value);
    tokens += delta(value) === '' ? 0 : 1;
  }
  return text;
}

test('deltas arrive one by one; a run that is cancelled is an error for who reads it', async () => {
  const { data, request_id: id } = await client()
    .chat.completions.create(stalling('sim-complex', 'cancelled'))
    .withResponse();
  const chunks = data[Symbol.asyncIterator]();
  const text = await fiveTokens(chunks);
  assert.ok((await upstreamText('cancelled')).startsWith(text));
  assert.equal((await stats('sim-complex')).cancelled, 0);

  const next = chunks.next();
  const [snapshot] = await Promise.all([
    cancel(id),
    assert.rejects(next, (error) => {
      assert.ok(error instanceof OpenAI.APIError, error.stack);
      assert.match(error.message, /was cancelled/);
      return true;
    }),
  ]);

  assert.equal(snapshot.status, 'cancelled');
  assert.equal(snapshot.text, text);
  await eventually('cancelled upstream', async () => (await stats('sim-complex')).cancelled === 1);
  assert.equal((await cancel(id)).status, 'cancelled');
});

test('who aborts a stream and does not come back stops the call after its grace', async () => {
  const aborting = new AbortController();
  const { data, request_id: id } = await client()
    .chat.completions.create(stalling('sim-vision', 'aborted'), { signal: aborting.signal })
    .withResponse();
  const chunks = data[Symbol.asyncIterator]();
  const text = await fiveTokens(chunks);

  aborting.abort();

  // Whoever waits for the end of a run keeps it alive; who only looks at it does not.
  assert.equal((await run(id)).status, 'in_progress');
  await eventually('cancelled upstream', async () => (await stats('sim-vision')).cancelled === 1);
  const snapshot = await run(id);
  assert.equal(snapshot.status, 'cancelled');
  assert.equal(snapshot.text, text);
});
