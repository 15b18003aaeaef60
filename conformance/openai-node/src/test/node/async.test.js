import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { chat, client, eventually, stats, upstreamText } from './rig.js';

const slow = { 'x-sim-first-token-ms': '1500', 'x-sim-token-ms': '0' };

/** Asks for the answer by the official call until it is there. */
async function answer(openai, id) {
  let done;
  await eventually('the answer of ' + id, async () => {
    const { data, response } = await openai.chat.completions.retrieve(id).withResponse();
    if (response.status === 202) {
      assert.deepEqual(data.choices, []);
      return false;
    }
    done = data;
    return true;
  });
  return done.choices[0].message.content;
}

test('a caller that takes 202 leaves after its time, and fetches the answer later', async () => {
  const hasty = client({ headers: { ...slow, Prefer: 'respond-async, wait=0.3' } });

  const { data, response } = await hasty.chat.completions
    .create(chat('detached', { model: 'sim-complex' }))
    .withResponse();

  assert.equal(response.status, 202);
  assert.equal(response.headers.get('preference-applied'), 'respond-async, wait=0.3');
  assert.ok(response.headers.get('location').endsWith('/v1/chat/completions/' + data.id));
  assert.deepEqual(data.choices, []);
  assert.equal(await answer(hasty, data.id), await upstreamText('detached'));
  assert.equal((await stats('sim-complex')).calls, 1);
});

test('whenever a time is up, before, between or with the tokens: 200 or 202, one call, the whole text', async () => {
  const model = 'sim-standard';
  const tokens = { 'x-sim-first-token-ms': '200', 'x-sim-token-ms': '10' };
  const before = (await stats(model))?.calls ?? 0;
  // It ends after about 600 ms: the first is too early for certain, the last is late enough.
  const times = [0.001, ...Array.from({ length: 28 }, (_, i) => 0.05 + i * 0.025), 60];

  const statuses = await Promise.all(
    times.map(async (time) => {
      const prefer = { Prefer: 'respond-async, wait=' + time.toFixed(3) };
      const openai = client({ headers: { ...tokens, ...prefer } });
      const { data, response } = await openai.chat.completions
        .create(chat('at ' + time, { model }))
        .withResponse();
      const text =
        response.status === 202 ? await answer(openai, data.id) : data.choices[0].message.content;
      assert.equal(text, await upstreamText('at ' + time));
      return response.status;
    }),
  );

  assert.equal(statuses[0], 202);
  assert.equal(statuses.at(-1), 200);
  assert.ok(statuses.every((status) => status === 200 || status === 202), String(statuses));
  assert.equal((await stats(model)).calls - before, times.length);
});

test('a caller that takes 202 and is answered in time never knows', async () => {
  const patient = client({ headers: { Prefer: 'respond-async, wait=60' } });

  const { data, response } = await patient.chat.completions.create(chat('in time')).withResponse();

  assert.equal(response.status, 200);
  assert.equal(response.headers.get('preference-applied'), 'wait=60');
  assert.equal(data.choices[0].message.content, await upstreamText('in time'));
});

test('a background call is answered at once, streamed or not', async () => {
  const background = client({ headers: { ...slow, Prefer: 'respond-async' } });
  const waiting = client({ headers: { Prefer: 'wait=30' } });
  const response = await background.chat.completions
    .create(chat('background', { model: 'sim-standard' }))
    .asResponse();
  assert.equal(response.status, 202);
  const { id, status } = await response.json();
  assert.match(status, /^(queued|in_progress)$/);

  const done = await waiting.chat.completions.retrieve(id);

  assert.equal(done.choices[0].message.content, await upstreamText('background'));
});

test('a caller that timed out comes back by its key to the call under way', async () => {
  const key = { headers: { 'Idempotency-Key': 'order-17' } };
  const impatient = client({ headers: slow, timeout: 500 });
  const patient = client({ headers: slow });
  const request = chat('came back', { model: 'sim-vision' });
  await assert.rejects(
    () => impatient.chat.completions.create(request, key),
    OpenAI.APIConnectionTimeoutError,
  );

  const { data, response } = await patient.chat.completions.create(request, key).withResponse();

  assert.equal(response.headers.get('idempotency-replayed'), 'true');
  assert.equal(data.choices[0].message.content, await upstreamText('came back'));
  assert.equal((await stats('sim-vision')).calls, 1);
});

test('a call that the AI API refuses fails when it is fetched, as it would have', async () => {
  const background = client({ headers: { Prefer: 'respond-async' } });
  const { id } = await background.chat.completions.create(
    chat('refused', { model: 'sim-fast:status=400' }),
  );

  await assert.rejects(
    () => answer(background, id),
    (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError, error.stack);
      assert.match(error.message, /A simulated failure with status 400/);
      return true;
    },
  );
});
