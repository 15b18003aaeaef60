import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { chat, client } from './rig.js';

// What was delivered, and who waits for it.
const delivered = [];
const waiting = [];

const sink = createServer((request, response) => {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const got = { headers: request.headers, body: Buffer.concat(parts).toString('utf8') };
    response.writeHead(204).end();
    const next = waiting.shift();
    if (next) next(got);
    else delivered.push(got);
  });
});
await new Promise((listens) => sink.listen(0, '127.0.0.1', listens));
after(() => sink.close());

const delivery = () =>
  delivered.length ? delivered.shift() : new Promise((come) => waiting.push(come));

const register = (event_types) =>
  client().webhooks.create({
    name: 'conformance',
    url: `http://127.0.0.1:${sink.address().port}/hook`,
    event_types,
  });

test('endpoints are registered, listed, changed and deleted by the official calls', async () => {
  const openai = client();
  const made = await register(['response.completed', 'response.failed']);
  assert.match(made.id, /^whe_/);
  assert.match(made.signing_secret, /^whsec_/);

  const ids = [];
  for await (const each of openai.webhooks.list({ limit: 1 })) ids.push(each.id);
  assert.deepEqual(ids, [made.id]);
  const changed = await openai.webhooks.update(made.id, { name: 'changed' });
  assert.equal(changed.name, 'changed');
  assert.deepEqual((await openai.webhooks.retrieve(made.id)).event_types, made.event_types);
  const deleted = await openai.webhooks.delete(made.id);
  assert.deepEqual(deleted, { id: made.id, object: 'webhook_endpoint.deleted', deleted: true });
  await assert.rejects(openai.webhooks.retrieve(made.id), { status: 404 });
});

test('a real delivery is unwrapped, also while the secret rotates, and no longer after that', async () => {
  const openai = client();
  const made = await register([]);
  const background = client({
    headers: { 'Meanwhile-Webhook': made.id, Prefer: 'respond-async' },
  });

  const run = await background.chat.completions.create(chat('by webhook'));
  const got = await delivery();
  const event = await openai.webhooks.unwrap(got.body, got.headers, made.signing_secret);
  assert.equal(event.type, 'response.completed');
  assert.equal(event.data.id, run.id);
  assert.equal(event.id, got.headers['webhook-id']);
  // The end is there for whoever is told of it.
  const answer = await openai.chat.completions.retrieve(event.data.id);
  assert.ok(answer.choices[0].message.content);

  const rotated = await openai.webhooks.rotateSecret(made.id, {
    keep_old_secret_active_for_24_hours: true,
  });
  await background.chat.completions.create(chat('by webhook, rotating'));
  const both = await delivery();
  for (const secret of [made.signing_secret, rotated.signing_secret]) {
    const unwrapped = await openai.webhooks.unwrap(both.body, both.headers, secret);
    assert.equal(unwrapped.type, 'response.completed');
  }

  const last = await openai.webhooks.rotateSecret(made.id);
  const result = await openai.webhooks.test(made.id, { event_type: 'response.failed' });
  assert.equal(result.status_code, 204);
  const one = await delivery();
  await openai.webhooks.unwrap(one.body, one.headers, last.signing_secret);
  await assert.rejects(openai.webhooks.unwrap(one.body, one.headers, rotated.signing_secret));
  await openai.webhooks.delete(made.id);
});
