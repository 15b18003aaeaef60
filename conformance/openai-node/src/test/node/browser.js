// Chromium, its pages, and the URLs that they are given.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { chromium } from 'playwright-core';
import { apiKey, server, simulator } from './rig.js';

let browser;
let profile;

before(async () => {
  profile = await mkdtemp(join(tmpdir(), 'meanwhile-chromium-'));
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  });
});

after(async () => {
  await browser?.close();
  await rm(profile, { recursive: true, force: true });
});

/** A page of `origin`, which is the server's or a proxy's before it. */
export async function open(origin) {
  const page = await browser.newPage();
  await page.goto(`${origin}/health/live`);
  return page;
}

/** A page of another origin, which the server lists. */
export async function openElsewhere() {
  const page = await browser.newPage();
  await page.goto(`${simulator}/sim/stats`);
  return page;
}

/** A signed URL's path and query. */
export async function sign(path, body = {}) {
  const answer = await fetch(`${server}${path}/urls`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200);
  const { pathname, search } = new URL((await answer.json()).url);
  return pathname + search;
}
