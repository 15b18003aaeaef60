import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { chat, client, delta } from './rig.js';

const refusals = [
  ['status=401', OpenAI.AuthenticationError, 'invalid_api_key'],
  ['status=429,retry-after=7', OpenAI.RateLimitError, 'rate_limit_exceeded'],
  ['status=500', OpenAI.InternalServerError, null],
];

for (const stream of [false, true]) {
  const kind = stream ? 'streamed' : 'plain';

  for (const [fault, type, code] of refusals) {
    test(`${kind}, the upstream refuses with ${fault}`, async () => {
      const asked = chat('refused', { model: `sim-fast:${fault}`, stream });
      const error = await rejection(client().chat.completions.create(asked));

      assert.ok(error instanceof type, error.stack);
      assert.match(error.message, /A simulated failure with status/);
      assert.equal(error.code, code);
      assert.equal(error.headers.get('retry-after'), fault.endsWith('=7') ? '7' : null);
      assert.match(error.requestID, /^run_/);
    });
  }
}

for (const fault of ['cut-after=5', 'error-after=5', 'end-after=5', 'garbage-after=5']) {
  test(`in mid-stream, ${fault} is an error, not a short success`, async () => {
    const asked = chat('broken', { model: `sim-fast:${fault}`, stream: true });
    const stream = await client().chat.completions.create(asked);
    let tokens = 0;
    const error = await rejection(
      (async () => {
        for await (const chunk of stream) tokens += delta(chunk) === '' ? 0 : 1;
      })(),
    );

    // Node's fetch drops what it has not handed on yet when the connection breaks, so a reader that
    // is late may miss the error event and the last tokens. It never misses that it is broken.
    assert.ok(error instanceof OpenAI.APIError || error.message === 'terminated', error.stack);
    assert.ok(tokens <= 5, `${tokens} tokens`);
  });

  test(`plain, ${fault} is an error`, async () => {
    const asked = chat('broken', { model: `sim-fast:${fault}` });
    const error = await rejection(client().chat.completions.create(asked));

    assert.ok(error instanceof OpenAI.InternalServerError, error.stack);
  });
}

test('the stream helper fails too', async () => {
  const runner = client().chat.completions.stream(
    chat('broken helper', { model: 'sim-fast:cut-after=5' }),
  );

  assert.ok((await rejection(runner.finalChatCompletion())) instanceof OpenAI.OpenAIError);
});

async function rejection(promise) {
  let value;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  assert.fail(`no error, but ${JSON.stringify(value)}`);
}
