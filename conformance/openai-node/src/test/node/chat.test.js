import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat, client, delta, read, simulator, text, upstreamText } from './rig.js';

test('a plain call', async () => {
  const answer = await client().chat.completions.create(chat('plain'));

  assert.equal(answer.object, 'chat.completion');
  assert.equal(answer.choices[0].message.content, await upstreamText('plain'));
  assert.equal(answer.choices[0].finish_reason, 'stop');
  assert.equal(answer.usage.completion_tokens, 40);
});

test('a streamed call', async () => {
  const chunks = await read(
    await client().chat.completions.create(chat('streamed', { stream: true })),
  );

  assert.equal(text(chunks), await upstreamText('streamed'));
  assert.equal(chunks.filter((chunk) => delta(chunk) !== '').length, 40);
  assert.ok(chunks.every((chunk) => chunk.usage === undefined && chunk.choices.length === 1));
});

test('the stream helper', async () => {
  const runner = client().chat.completions.stream(chat('helper'));
  const seen = [];
  runner.on('content', (part) => seen.push(part));
  const answer = await runner.finalChatCompletion();

  assert.equal(answer.choices[0].message.content, await upstreamText('helper'));
  assert.equal(seen.join(''), answer.choices[0].message.content);
});

test('a streamed call that asks for usage gets it once, at the end', async () => {
  const asked = chat('usage', { stream: true, stream_options: { include_usage: true } });
  const chunks = await read(await client().chat.completions.create(asked));

  assert.equal(text(chunks), await upstreamText('usage'));
  assert.deepEqual(chunks.at(-1).choices, []);
  assert.equal(chunks.at(-1).usage.completion_tokens, 40);
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
});

test('embeddings, as base64 (what the SDK asks for by itself) and as numbers', async () => {
  const asked = { model: 'sim-embedding', input: ['shoes', 'books'], dimensions: 64 };
  const vectors = async (sdk, rest) =>
    (await sdk.embeddings.create({ ...asked, ...rest })).data.map((each) => each.embedding);
  const right = await vectors(client({ origin: simulator }), { encoding_format: 'float' });
  const float32 = right.map((vector) => vector.map(Math.fround));

  assert.deepEqual(right.map((vector) => vector.length), [64, 64]);
  assert.deepEqual(await vectors(client(), {}), float32);
  assert.deepEqual(await vectors(client(), { encoding_format: 'float' }), right);
  const base64 = await vectors(client(), { encoding_format: 'base64' });
  const decoded = base64.map((vector) => [...new Float32Array(bytes(vector))]);
  assert.deepEqual(decoded, float32);
});

const bytes = (base64) => Uint8Array.from(Buffer.from(base64, 'base64')).buffer;

test('models', async () => {
  const ids = (await read(client().models.list())).map((model) => model.id);

  assert.ok(ids.includes('sim-fast') && ids.includes('sim-embedding'), ids.join());
  assert.equal((await client().models.retrieve('sim-fast')).id, 'sim-fast');
});
