// The official client speaks the Responses API, through its helpers, to an upstream that only
// speaks chat completions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { client as make, read, stats } from './rig.js';

const client = make();
const ask = { model: 'sim-fast', instructions: 'Be brief.', input: 'How do trains cross borders?' };

async function ended(client, id) {
  let response = await client.responses.retrieve(id);
  while (['queued', 'in_progress'].includes(response.status)) {
    response = await client.responses.retrieve(id);
  }
  return response;
}

test('a response, plain and through the stream helper', async () => {
  const plain = await client.responses.create(ask);
  assert.equal(plain.status, 'completed');
  assert.equal(plain.usage.output_tokens, 40);
  assert.ok(plain.output_text.length > 0);

  const stream = client.responses.stream(ask);
  let text = '';
  stream.on('response.output_text.delta', (event) => (text += event.delta));
  const final = await stream.finalResponse();
  assert.equal(text, plain.output_text);
  assert.equal(final.output_text, plain.output_text);
});

test('in the background, resumed from every number', async () => {
  const before = (await stats('sim-fast'))?.calls ?? 0;
  const queued = await client.responses.create({ ...ask, background: true });
  assert.deepEqual(queued.output, []);
  const whole = await read(await client.responses.retrieve(queued.id, { stream: true }));
  whole.forEach((event, i) => assert.equal(event.sequence_number, i));
  assert.equal(whole.at(-1).type, 'response.completed');
  for (let n = 0; n < whole.length; n++) {
    const rest = await client.responses.retrieve(queued.id, { stream: true, starting_after: n });
    assert.deepEqual(await read(rest), whole.slice(n + 1));
  }
  // The helper reads the whole log again and shows what follows.
  const helper = client.responses.stream({ response_id: queued.id, starting_after: 3 });
  const seen = [];
  helper.on('event', (event) => seen.push(event.sequence_number));
  const final = await helper.finalResponse();
  assert.equal(final.status, 'completed');
  assert.equal(seen[0], 4);
  assert.equal((await stats('sim-fast')).calls, before + 1);
});

test('resumed while it runs, from every number so far, after its reader was cut off', async () => {
  const slow = make({ headers: { 'x-sim-first-token-ms': '20', 'x-sim-token-ms': '50' } });
  const head = [];
  for await (const event of await slow.responses.create({ ...ask, background: true, stream: true })) {
    head.push(event);
    if (head.length === 10) break;
  }
  const { id } = head[0].response;
  const follow = async (n) =>
    read(await slow.responses.retrieve(id, { stream: true, starting_after: n }));
  const tails = await Promise.all(head.map((_, n) => follow(n)));
  const whole = await read(await slow.responses.retrieve(id, { stream: true }));
  assert.deepEqual(whole.slice(0, head.length), head);
  tails.forEach((tail, n) => assert.deepEqual(tail, whole.slice(n + 1)));
});

test('a tool called through the stream helper, and answered', async () => {
  const parameters = { type: 'object', properties: { city: { type: 'string' } } };
  const tools = [{ type: 'function', name: 'weather', parameters, strict: false }];
  const called = await client.responses.stream({ ...ask, tools }).finalResponse();
  const call = called.output[0];
  assert.equal(call.type, 'function_call');
  assert.equal(typeof JSON.parse(call.arguments).city, 'string');
  const answered = await client.responses.create({
    model: ask.model,
    previous_response_id: called.id,
    input: [{ type: 'function_call_output', call_id: call.call_id, output: '20' }],
  });
  assert.ok(answered.output_text.length > 0);
});

test('an operation as the prompt', async () => {
  const { prompt, ...own } = { prompt: { id: 'summary', variables: { what: 'trains' } }, ...ask };
  const plain = await client.responses.create({ prompt });
  // The very same is asked without it: the simulator answers by what it is asked.
  assert.equal(plain.output_text, (await client.responses.create(own)).output_text);
  const helper = client.responses.stream({ prompt });
  assert.equal((await helper.finalResponse()).output_text, plain.output_text);
  const { id } = await client.responses.create({ prompt, background: true });
  assert.equal((await ended(client, id)).output_text, plain.output_text);
  const items = await client.responses.inputItems.list(id);
  assert.equal(items.data.length, 2);
  await assert.rejects(client.responses.create({ prompt: { id: 'summary' } }), {
    status: 400,
    code: 'missing_variable',
    param: 'what',
  });
  await assert.rejects(client.responses.create({ prompt: { id: 'sumary' } }), { status: 404 });
});

test('cancelled twice, deleted, asked what it was asked', async () => {
  const slow = { ...ask, model: 'sim-fast:stall-after=5', background: true };
  const { id } = await client.responses.create(slow);
  for (let i = 0; i < 2; i++) {
    assert.equal((await client.responses.cancel(id)).status, 'cancelled');
  }
  assert.equal((await ended(client, id)).status, 'cancelled');
  const items = await client.responses.inputItems.list(id);
  assert.equal(items.data[0].content[0].text, ask.input);
  await client.responses.delete(id);
  await assert.rejects(client.responses.retrieve(id), { status: 404 });
});
