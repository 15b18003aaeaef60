// Run twice, with a restart of the server in between: what is kept is read again by the official client, and its
// helpers, as it was before. KEPT is the file that the first run leaves for the second.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { client as make, eventually } from './rig.js';

const client = make();
const ask = { model: 'sim-fast', instructions: 'Be brief.', input: 'How do trains cross borders?' };

const plain = (value) => JSON.parse(JSON.stringify(value));

/** All events; an `error` event, which the client throws, is the last one. */
async function follow(id, more = {}) {
  const events = [];
  try {
    const stream = await client.responses.retrieve(id, { stream: true, ...more });
    for await (const event of stream) events.push(plain(event));
  } catch (error) {
    events.push({ thrown: error.message, code: error.code });
  }
  return events;
}

async function makeAll() {
  const done = await client.responses.create({ ...ask, background: true });
  const slow = { ...ask, model: 'sim-fast:stall-after=5', background: true };
  const cancelled = await client.responses.create(slow);
  await eventually('a word', async () => (await client.responses.retrieve(cancelled.id)).output.length);
  await client.responses.cancel(cancelled.id);
  const failed = await client.responses.create({ ...ask, model: 'sim-fast:status=400', background: true });
  const deleted = await client.responses.create(ask);
  await client.responses.delete(deleted.id);
  const kept = { deleted: deleted.id, all: [] };
  for (const { id } of [done, cancelled, failed]) {
    const events = await follow(id);
    const object = plain(await client.responses.retrieve(id));
    const input = (await client.responses.inputItems.list(id)).data;
    kept.all.push({ id, events, object, input });
  }
  return kept;
}

test('what is kept is the same after a restart', async () => {
  const again = existsSync(process.env.KEPT);
  const kept = again ? JSON.parse(readFileSync(process.env.KEPT, 'utf8')) : await makeAll();
  writeFileSync(process.env.KEPT, JSON.stringify(kept));

  const ends = ['completed', 'cancelled', 'failed'];
  assert.deepEqual(kept.all.map((each) => each.object.status), ends);
  for (const { id, events, object, input } of kept.all) {
    assert.deepEqual(await follow(id), events);
    for (let n = 0; n < events.length - 1; n++) {
      assert.deepEqual(await follow(id, { starting_after: n }), events.slice(n + 1));
    }
    const last = events.length - 1;
    const rest = (await follow(id, { starting_after: last })).map((event) => event.type);
    assert.deepEqual(rest, events[last].thrown ? ['response.failed'] : []);
    assert.deepEqual(plain(await client.responses.retrieve(id)), object);
    assert.deepEqual((await client.responses.inputItems.list(id)).data, input);
    assert.equal((await client.responses.cancel(id)).status, object.status);
  }
  const [done] = kept.all;
  const helper = client.responses.stream({ response_id: done.id, starting_after: 3 });
  const seen = [];
  helper.on('event', (event) => seen.push(event.sequence_number));
  assert.equal((await helper.finalResponse()).status, 'completed');
  assert.deepEqual(seen, done.events.slice(4).map((event) => event.sequence_number));
  await assert.rejects(client.responses.retrieve(kept.deleted), { status: 404 });
  if (again) {
    for (const { id } of kept.all) {
      await client.responses.delete(id);
      await assert.rejects(client.responses.retrieve(id), { status: 404 });
      await assert.rejects(client.responses.delete(id), { status: 404 });
    }
  }
});
