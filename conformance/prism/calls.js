// Plain calls of the official client through Prism's validating proxy, which says of each exchange what is not as
// OpenAI's file says.
import OpenAI from 'openai';

const [, , proxy, server] = process.argv;
let calls = 0;
let violations = 0;

/** Where the file says less than OpenAI's own API does, so that both cannot be right. */
const known = [
  // The client asks for base64, which the file does not know.
  (at, body) => /^data\.\d+\.embedding$/.test(at) && typeof body.data[at.split('.')[1]].embedding === 'string',
  // Null until there is usage, as OpenAI's API says it and Open Responses demands it.
  (at, body) => at === 'usage' && body.object === 'response' && body.usage === null,
];

/** Whether it is the server that is to blame: not for what the client sends, nor for statuses that the file lacks. */
function isViolation({ severity = 'Error', location: [side = '', , ...at] = [] }, body) {
  return severity === 'Error' && side !== 'request' && !known.some((is) => is(at.join('.'), body));
}

/** Told of what Prism found; an answer that Prism itself gave is no answer. */
async function told(url, options) {
  const response = await fetch(url, options);
  calls++;
  const found = JSON.parse(response.headers.get('sl-violations') ?? '[]');
  const body = await response.clone().json();
  if (response.headers.get('content-type')?.includes('problem+json')) {
    found.push({ message: JSON.stringify(body) });
  }
  const bad = found.filter((each) => isViolation(each, body));
  violations += bad.length;
  console.log(`${bad.length ? '✗' : '✓'} ${options.method} ${new URL(url).pathname} ${response.status}`);
  for (const each of found) {
    const word = bad.includes(each) ? 'violation' : 'note';
    console.log(`    ${word}: ${(each.location ?? ['prism']).join('.')}: ${each.message}`);
  }
  return response;
}

const client = new OpenAI({ apiKey: 'sk-conformance', baseURL: proxy, maxRetries: 0, fetch: told });
const model = 'sim-fast';
const messages = [{ role: 'user', content: 'How do trains cross borders?' }];
const parameters = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

const ended = (id) => client.responses.retrieve(id, {}, { headers: { prefer: 'wait=60' } });

async function refused(call, status) {
  try {
    await call;
  } catch (error) {
    if (error.status === status) return;
    throw error;
  }
  throw new Error(`not refused with ${status}`);
}

await client.models.list();
await client.models.retrieve(model);
await client.chat.completions.create({ model, messages });
const tools = [{ type: 'function', function: { name: 'weather', parameters } }];
await client.chat.completions.create({ model, messages, tools });
await client.embeddings.create({ model: 'sim-embedding', input: 'trains' });
await client.embeddings.create({ model: 'sim-embedding', input: ['a', 'b'], encoding_format: 'float' });

const plain = await client.responses.create({
  model,
  instructions: 'Be brief.',
  input: 'How do trains cross borders?',
  metadata: { order: '17' },
});
const called = await client.responses.create({
  model,
  input: [
    { role: 'developer', content: 'Use the tool.' },
    {
      role: 'user',
      content: [
        { type: 'input_text', text: 'What is the weather here?' },
        { type: 'input_image', image_url: 'data:image/png;base64,iVBORw0KGgo=', detail: 'low' },
      ],
    },
  ],
  tools: [{ type: 'function', name: 'weather', parameters, strict: false }],
  reasoning: { effort: 'low' },
  text: { format: { type: 'text' }, verbosity: 'low' },
  temperature: 0.5,
  max_output_tokens: 100,
});
const call = called.output.find((item) => item.type === 'function_call');
await client.responses.create({
  model,
  previous_response_id: called.id,
  input: [{ type: 'function_call_output', call_id: call.call_id, output: '20 °C' }],
});
await client.responses.retrieve(plain.id);
for (const id of [plain.id, called.id]) await client.responses.inputItems.list(id, { order: 'asc', limit: 10 });

const queued = await client.responses.create({ model, input: 'In the background', background: true });
await ended(queued.id);
const failing = { model: 'sim-fast:status=400', input: 'It fails', background: true };
const failed = await ended((await client.responses.create(failing)).id);
if (failed.status !== 'failed') throw new Error(`it did not fail: ${failed.status}`);
const cut = await client.responses.create({ model, input: 'Short', max_output_tokens: 16 });
await client.responses.retrieve(cut.id);

const slow = await client.responses.create({ model: 'sim-fast:stall', input: 'It stalls', background: true });
for (let i = 0; i < 2; i++) await client.responses.cancel(slow.id);
for (const id of [plain.id, slow.id]) await client.responses.delete(id);
await refused(client.responses.retrieve(plain.id), 404);
await refused(client.responses.create({ model, input: 'x', truncation: 'auto' }), 400);

// What is stored by Meanwhile's own means, in OpenAI's shape.
const stored = new OpenAI({ apiKey: 'sk-conformance', baseURL: server, defaultHeaders: { Prefer: 'respond-async' } });
const run = await stored.chat.completions.create({ model, messages });
await fetch(`${server}/runs/${run.id}`, { headers: { authorization: 'Bearer sk-conformance', prefer: 'wait=30' } });
await client.chat.completions.retrieve(run.id);

console.log(`\n${calls} calls, ${violations} violations`);
process.exit(violations === 0 ? 0 : 1);
