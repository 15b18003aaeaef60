// What all tests share: where the server is, a client for it, and what reached the AI API.
import { setTimeout as pause } from 'node:timers/promises';
import OpenAI from 'openai';

/** The server's address, without a path. */
export const server = process.env.MEANWHILE;

/** The simulated AI API's address, without a path. */
export const simulator = process.env.SIMULATOR;

export const apiKey = 'sk-conformance';

const latency = { 'x-sim-first-token-ms': '20', 'x-sim-token-ms': '2' };

/** An unmodified client that does not retry, of the server unless told otherwise. */
export function client({ origin = server, headers = latency, ...options } = {}) {
  return new OpenAI({
    apiKey,
    baseURL: `${origin}/v1`,
    maxRetries: 0,
    defaultHeaders: headers,
    ...options,
  });
}

export const chat = (prompt, rest = {}) => ({
  model: 'sim-fast',
  messages: [{ role: 'user', content: prompt }],
  ...rest,
});

/** What the AI API itself says to the prompt. */
export async function upstreamText(prompt) {
  const answer = await client({ origin: simulator }).chat.completions.create(chat(prompt));
  return answer.choices[0].message.content;
}

/** Reads a stream to its end. */
export async function read(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

export const delta = (chunk) => chunk.choices[0]?.delta.content ?? '';

export const text = (chunks) => chunks.map(delta).join('');

/** What reached the AI API for a model since the start. */
export async function stats(model) {
  return (await (await fetch(`${simulator}/sim/stats`)).json()).models[model];
}

/** A run as it stands. */
export async function run(id) {
  const headers = { authorization: `Bearer ${apiKey}` };
  return (await fetch(`${server}/v1/runs/${id}`, { headers })).json();
}

/** Stops a run, and returns its last snapshot. */
export async function cancel(id) {
  const headers = { authorization: `Bearer ${apiKey}` };
  return (await fetch(`${server}/v1/runs/${id}/cancel`, { method: 'POST', headers })).json();
}

/** Asks again and again until it holds; fails after 30 s. */
export async function eventually(what, holds) {
  const limit = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > limit) throw new Error(`not within 30 s: ${what}`);
    await pause(50);
  }
}
