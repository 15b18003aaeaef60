// A browser's own EventSource, unmodified, reads a feed by its signed URL: in Chromium, on a page of
// another origin.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openElsewhere, sign } from './browser.js';
import { CuttingProxy } from './cutting-proxy.js';
import { apiKey, chat, eventually, run as snapshot, server } from './rig.js';

const RUNS = 6;

/** A run in the background, to its end. */
async function through(channel, title) {
  const answer = await fetch(`${server}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${apiKey}`,
      'content-type': 'application/json',
      prefer: 'respond-async',
      'meanwhile-channel': channel,
      'meanwhile-title': encodeURIComponent(title),
      'x-sim-first-token-ms': '50',
      'x-sim-token-ms': '1',
    },
    body: JSON.stringify(chat(title)),
  });
  assert.equal(answer.status, 202);
  const id = answer.headers.get('meanwhile-run');
  await eventually(`${id} ends`, async () => (await snapshot(id)).status === 'completed');
  return id;
}

/** Reads a feed in a page until so many runs have completed. */
async function watch(page, address, runs) {
  const seen = await page.evaluate(
    ([url, wanted]) =>
      new Promise((resolve) => {
        const seen = [];
        const completed = new Set();
        const source = new EventSource(url);
        for (const type of ['status', 'reset']) {
          source.addEventListener(type, (event) => {
            const data = JSON.parse(event.data);
            seen.push({ type, id: event.lastEventId, ...data });
            if (data.status === 'completed') completed.add(data.run);
            if (completed.size === wanted) {
              source.close();
              resolve(seen);
            }
          });
        }
        source.onerror = () => {
          if (source.readyState === EventSource.CLOSED) resolve(seen);
        };
      }),
    [address, runs],
  );
  await page.close();
  return seen;
}

function checkWhole(seen, runs, what) {
  assert.ok(
    seen.every((event) => event.type === 'status'),
    what,
  );
  assert.equal(new Set(seen.map((event) => event.id)).size, seen.length, what);
  const numbers = seen.map((event) => Number(event.id.split('.')[1]));
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => a - b),
    what,
  );
  const completed = seen.filter((event) => event.status === 'completed');
  assert.deepEqual(
    completed.map((event) => event.run),
    runs,
    what,
  );
  assert.deepEqual(
    completed.map((event) => event.title),
    runs.map((_, i) => `Zürich → 東京 ${i}`),
    what,
  );
}

test('a connection cut at every event loses and repeats nothing', async () => {
  const cuts = [
    undefined,
    { type: 'status', after: 1, every: true },
    { type: 'status', after: 1, every: true, torn: true },
    { type: 'status', after: 0, every: false },
    { type: 'status', after: 3, every: true },
  ];
  const proxies = await Promise.all(cuts.map((cut) => CuttingProxy.before(server, cut)));
  try {
    const path = await sign('/v1/feeds/user:42');
    const pages = await Promise.all(proxies.map(() => openElsewhere()));
    const watching = pages.map((page, i) => watch(page, proxies[i].origin + path, RUNS));
    const runs = [];
    for (let i = 0; i < RUNS; i++) runs.push(await through('user:42', `Zürich → 東京 ${i}`));
    const all = await Promise.all(watching);

    for (const [i, cut] of cuts.entries()) {
      const what = JSON.stringify(cut);
      checkWhole(all[i], runs, what);
      assert.equal(proxies[i].cuts > 0, cut !== undefined, what);
      assert.ok(
        proxies[i].answers(path).every((status) => status === 200),
        what,
      );
    }
    // A page that comes later sees where all stand.
    const later = await watch(await openElsewhere(), server + path, RUNS);
    checkWhole(later, runs, 'later');
    assert.equal(later.length, RUNS);
  } finally {
    await Promise.all(proxies.map((proxy) => proxy.close()));
  }
});

test('an altered URL, or one of another feed, is 403 and not tried again', async () => {
  const proxy = await CuttingProxy.before(server);
  try {
    const path = await sign('/v1/feeds/user:42');
    for (const refused of [`${path.slice(0, -1)}_`, path.replace('user:42', 'user:43')]) {
      assert.deepEqual(await watch(await openElsewhere(), proxy.origin + refused, 1), []);
      assert.deepEqual(proxy.answers(refused), [403]);
    }
  } finally {
    await proxy.close();
  }
});
