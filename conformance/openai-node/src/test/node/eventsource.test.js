// A browser's own EventSource, unmodified, follows a run: in Chromium, on a page of the server's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { open, openElsewhere, sign } from './browser.js';
import { CuttingProxy } from './cutting-proxy.js';
import { apiKey, server, upstreamText } from './rig.js';

const TOKENS = 40;
const MODEL = 'sim-fast';

/** Begins a streamed run, as nobody unless told as whom, and reads it to its end. */
async function begin(prompt, tokenMillis, headers = {}) {
  const answer = await fetch(`${server}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-sim-first-token-ms': '20',
      'x-sim-token-ms': String(tokenMillis),
      ...headers,
    },
    body: JSON.stringify({
      model: MODEL,
      stream: true,
      messages: [{ role: 'user', content: prompt }],
    }),
  });
  assert.equal(answer.status, 200);
  return { id: answer.headers.get('meanwhile-run'), ended: answer.text() };
}

const pathOf = (run) => `/v1/runs/${run.id}`;

/** Follows a run's address in a page until the EventSource gives up by itself. */
async function follow(page, address) {
  const seen = await page.evaluate(
    (path) =>
      new Promise((resolve) => {
        const seen = { events: [] };
        const source = new EventSource(path);
        for (const type of ['status', 'delta', 'done', 'restarted', 'message']) {
          source.addEventListener(type, (event) =>
            seen.events.push({ type, id: event.lastEventId, data: JSON.parse(event.data) }),
          );
        }
        source.onerror = () => {
          if (source.readyState === EventSource.CLOSED) resolve(seen);
        };
      }),
    address,
  );
  await page.close();
  return seen;
}

function checkWhole({ events }, text, what, tokens = TOKENS) {
  const deltas = events.filter((event) => event.type === 'delta');
  assert.equal(deltas.map((event) => event.data.text).join(''), text, what);
  assert.equal(deltas.length, tokens, what);
  assert.equal(new Set(deltas.map((event) => event.id)).size, tokens, what);
  assert.equal(events[0].type, 'status', what);
  assert.equal(events.at(-1).type, 'done', what);
  assert.equal(events.at(-1).data.status, 'completed', what);
  assert.equal(events.filter((event) => event.type === 'done').length, 1, what);
}

test('follows a run while it is written, and stays closed after its end', async () => {
  const proxy = await CuttingProxy.before(server);
  try {
    const page = await open(proxy.origin);
    const run = await begin('live', 25);
    const seen = await follow(page, pathOf(run));
    await run.ended;

    checkWhole(seen, await upstreamText('live'), 'live');
    assert.equal(seen.events[0].data.status, 'in_progress');
    // It came back once, and was told not to come again.
    assert.deepEqual(proxy.answers(`/v1/runs/${run.id}`), [200, 204]);
  } finally {
    await proxy.close();
  }
});

test('follows a run that has ended, from its beginning', async () => {
  const run = await begin('past', 0);
  await run.ended;

  const seen = await follow(await open(server), pathOf(run));

  checkWhole(seen, await upstreamText('past'), 'past');
  assert.equal(seen.events[0].data.status, 'completed');
});

// After so many deltas on a connection it is cut, once or every time; `torn` cuts inside an event.
const cuts = [
  { after: 0, every: false },
  { after: 1, every: false },
  { after: 2, every: false, torn: true },
  { after: 20, every: false },
  { after: 39, every: false, torn: true },
  { after: 40, every: false },
  { after: 13, every: true },
  { after: 9, every: true, torn: true },
];

for (const tokenMillis of [0, 30]) {
  const when = tokenMillis === 0 ? 'after its end' : 'while it is written';
  test(`a connection cut in the middle loses and repeats nothing, ${when}`, async () => {
    const proxies = await Promise.all(cuts.map((cut) => CuttingProxy.before(server, cut)));
    try {
      const pages = await Promise.all(proxies.map((proxy) => open(proxy.origin)));
      const prompt = `cut ${tokenMillis}`;
      const run = await begin(prompt, tokenMillis);
      if (tokenMillis === 0) await run.ended;
      const all = await Promise.all(pages.map((page) => follow(page, pathOf(run))));
      await run.ended;

      const text = await upstreamText(prompt);
      for (const [i, cut] of cuts.entries()) {
        const what = JSON.stringify(cut);
        const times = cut.every ? Math.floor(TOKENS / cut.after) : 1;
        checkWhole(all[i], text, what);
        // More if Chromium, when a connection breaks, drops some of what had come.
        assert.ok(proxies[i].cuts >= times, `${what}: cut ${proxies[i].cuts} times`);
        const answers = [...Array(proxies[i].cuts + 1).fill(200), 204];
        assert.deepEqual(proxies[i].answers(`/v1/runs/${run.id}`), answers, what);
      }
    } finally {
      await Promise.all(proxies.map((proxy) => proxy.close()));
    }
  });
}

// By a signed URL, on a page of another origin that the server lists.

const key = { authorization: `Bearer ${apiKey}` };

const FEW = 8;

for (const tokenMillis of [0, 400]) {
  const when = tokenMillis === 0 ? 'after its end' : 'while it is written';
  test(`a signed URL needs no key, and a cut at every event loses and repeats nothing, ${when}`, async () => {
    const proxy = await CuttingProxy.before(server, { after: 1, every: true });
    try {
      const prompt = `signed ${tokenMillis}`;
      const page = await openElsewhere();
      const run = await begin(prompt, tokenMillis, { 'x-sim-tokens': String(FEW), ...key });
      if (tokenMillis === 0) await run.ended;
      const path = await sign(pathOf(run));
      const seen = await follow(page, proxy.origin + path);
      const whole = await run.ended;

      const text = [...whole.matchAll(/"content":"((?:[^"\\]|\\.)*)"/g)]
        .map((each) => JSON.parse(`"${each[1]}"`))
        .join('');
      checkWhole(seen, text, prompt, FEW);
      assert.ok(proxy.cuts >= FEW, `cut ${proxy.cuts} times`);
      const answers = [...Array(proxy.cuts + 1).fill(200), 204];
      assert.deepEqual(proxy.answers(path), answers);
    } finally {
      await proxy.close();
    }
  });
}

test('a URL that was altered or has expired is 403, and not tried again', async () => {
  const proxy = await CuttingProxy.before(server);
  try {
    const run = await begin('refused', 0, key);
    await run.ended;
    const path = await sign(pathOf(run));
    const altered = path.slice(0, -1) + (path.endsWith('A') ? 'B' : 'A');
    const short = await sign(pathOf(run), { expires_in: 1 });
    while ((await fetch(server + short)).status !== 403);

    for (const refused of [altered, short, pathOf(run) + '?signed=x']) {
      const seen = await follow(await openElsewhere(), proxy.origin + refused);
      assert.deepEqual(seen.events, []);
      assert.deepEqual(proxy.answers(refused), [403]);
    }
  } finally {
    await proxy.close();
  }
});

test('a page of another origin fetches a signed URL, with its tag and its wait', async () => {
  const run = await begin('fetched', 0, key);
  await run.ended;
  const address = server + (await sign(pathOf(run)));
  const page = await openElsewhere();
  const seen = await page.evaluate(async (url) => {
    const first = await fetch(url, { headers: { prefer: 'wait=20' } });
    const etag = first.headers.get('etag');
    const again = await fetch(url, { headers: { 'if-none-match': etag }, cache: 'no-store' });
    return { status: (await first.json()).status, etag, again: again.status };
  }, address);
  await page.close();
  assert.equal(seen.status, 'completed');
  assert.ok(seen.etag.includes(run.id));
  assert.equal(seen.again, 304);
});
