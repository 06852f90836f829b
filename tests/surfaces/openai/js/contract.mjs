// OpenAI's own JavaScript client against both doors of a running Mecum. Started by test_javascript.py, which says in
// the environment where it is and with which keys. Each `check` is one test there: its name is unique.
import assert from "node:assert/strict";
import OpenAI, { toFile } from "openai";

const baseURL = `${process.env.MECUM_URL}/v1`;
const client = new OpenAI({ baseURL, apiKey: process.env.MECUM_KEY, maxRetries: 0, timeout: 20_000 });
const DOORS = ["mecum", "fake"];
const weather = {
  name: "weather",
  description: "The weather of a town.",
  parameters: { type: "object", properties: { town: { type: "string" } }, required: ["town"] },
};
const DOT =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const told = (fields) => `[[fake?${new URLSearchParams(fields)}]]`;
const user = (content) => ({ role: "user", content });
const checks = [];
const check = (name, work) => checks.push([name, work]);
const atBothDoors = (name, work) => DOORS.forEach((door) => check(`${name} (${door})`, () => work(door)));

atBothDoors("a chat completion comes whole with its usage", async (model) => {
  const completion = await client.chat.completions.create({ model, messages: [user(`Hi ${told({ text: "Good day." })}`)] });
  assert.equal(completion.choices[0].message.content, "Good day.");
  assert.equal(completion.choices[0].finish_reason, "stop");
  assert.equal(completion.usage.completion_tokens, 2);
});

atBothDoors("a chat completion streams", async (model) => {
  const messages = [user(`Hi ${told({ text: "One two three.", interval_ms: 30 })}`)];
  const stream = await client.chat.completions.create({ model, messages, stream: true, stream_options: { include_usage: true } });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(text, "One two three.");
  assert.equal(usage.completion_tokens, 3);
});

atBothDoors("a tool is run by the client's own helper", async (model) => {
  const text = `Weather in Graz? ${told({ tool: "weather", arguments: '{"town":"Graz"}', text: "Sunny in Graz." })}`;
  const seen = [];
  const runner = client.chat.completions.runTools({
    model,
    messages: [user(text)],
    tools: [{ type: "function", function: { ...weather, parse: JSON.parse, function: ({ town }) => (seen.push(town), "sunny") } }],
  });
  assert.equal(await runner.finalContent(), "Sunny in Graz.");
  assert.deepEqual(seen, ["Graz"]);
});

atBothDoors("a streamed tool call is folded by the client's own helper", async (model) => {
  const text = `Weather in Graz? ${told({ tool: "weather", arguments: '{"town":"Graz"}', text: "Sunny." })}`;
  const stream = client.chat.completions.stream({ model, messages: [user(text)], tools: [{ type: "function", function: weather }] });
  const completion = await stream.finalChatCompletion();
  assert.equal(completion.choices[0].finish_reason, "tool_calls");
  assert.deepEqual(JSON.parse(completion.choices[0].message.tool_calls[0].function.arguments), { town: "Graz" });
});

atBothDoors("a picture is taken", async (model) => {
  const content = [{ type: "text", text: "What is this?" }, { type: "image_url", image_url: { url: DOT } }];
  const completion = await client.chat.completions.create({ model, messages: [user(content)] });
  assert.ok(completion.choices[0].message.content);
});

atBothDoors("a schema shapes the answer", async (model) => {
  const schema = { type: "object", properties: { name: { type: "string" } }, required: ["name"], additionalProperties: false };
  const response_format = { type: "json_schema", json_schema: { name: "town", schema, strict: true } };
  const completion = await client.chat.completions.create({ model, messages: [user("A town.")], response_format });
  assert.equal(typeof JSON.parse(completion.choices[0].message.content).name, "string");
});

atBothDoors("a response comes whole, is kept, and can be deleted", async (model) => {
  const made = await client.responses.create({ model, input: `Hi ${told({ text: "Kept." })}` });
  assert.equal(made.output_text, "Kept.");
  assert.equal((await client.responses.retrieve(made.id)).status, "completed");
  const items = await client.responses.inputItems.list(made.id);
  assert.equal(items.data.length, 1);
  await client.responses.delete(made.id);
  await assert.rejects(client.responses.retrieve(made.id), OpenAI.NotFoundError);
});

atBothDoors("a response streams to the client's own helper", async (model) => {
  const kinds = [];
  const stream = client.responses.stream({ model, input: `Hi ${told({ text: "One two three.", interval_ms: 30 })}` });
  stream.on("event", (event) => kinds.push(event.type));
  assert.equal((await stream.finalResponse()).output_text, "One two three.");
  assert.equal(kinds[0], "response.created");
  assert.equal(kinds.at(-1), "response.completed");
});

atBothDoors("a function is answered by the id of the response before", async (model) => {
  const tools = [{ type: "function", strict: false, ...weather }];
  const text = `Weather in Graz? ${told({ tool: "weather", arguments: '{"town":"Graz"}', text: "Sunny in Graz." })}`;
  const first = await client.responses.create({ model, tools, input: text });
  const call = first.output.find((item) => item.type === "function_call");
  const input = [{ type: "function_call_output", call_id: call.call_id, output: "sunny" }];
  const last = await client.responses.create({ model, tools, input, previous_response_id: first.id });
  assert.equal(last.output_text, "Sunny in Graz.");
});

atBothDoors("a background response is polled and another cancelled", async (model) => {
  let made = await client.responses.create({ model, background: true, input: `Slowly ${told({ text: "Done.", first_byte_ms: 150 })}` });
  for (let look = 0; look < 100 && ["queued", "in_progress"].includes(made.status); look += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    made = await client.responses.retrieve(made.id);
  }
  assert.equal(made.output_text, "Done.");
  const slow = await client.responses.create({ model, background: true, input: `Slowly ${told({ text: "x", first_byte_ms: 900 })}` });
  assert.equal((await client.responses.cancel(slow.id)).status, "cancelled");
});

check("models are listed, the entity first", async () => {
  const names = [];
  for await (const model of client.models.list()) names.push(model.id);
  assert.equal(names[0], "mecum");
  assert.ok(names.includes("fake"));
  await assert.rejects(client.models.retrieve("gpt-nowhere"), OpenAI.NotFoundError);
});

check("vectors come as numbers", async () => {
  const made = await client.embeddings.create({ model: "fake-embed", input: ["winter bread", "a harbour"] });
  assert.equal(made.data.length, 2);
  assert.equal(made.data[0].embedding.length, 384);
  assert.ok(Math.abs(made.data[0].embedding.reduce((sum, value) => sum + value * value, 0) - 1) < 1e-4);
});

atBothDoors("errors are the client's own classes", async (model) => {
  const ask = (text, options = {}, extra = {}) =>
    client.chat.completions.create({ model, messages: [user(text)], ...extra }, options);
  const wrong = new OpenAI({ baseURL, apiKey: "mk_wrong", maxRetries: 0 });
  await assert.rejects(wrong.chat.completions.create({ model, messages: [user("Hi")] }), OpenAI.AuthenticationError);
  await assert.rejects(ask("Hi", {}, { model: "gpt-nowhere" }), (error) => error instanceof OpenAI.NotFoundError && error.code === "model_not_found");
  await assert.rejects(ask(`Hi ${told({ status: 429, retry_after: "7" })}`), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.headers.get("retry-after"), "7");
    return true;
  });
  await assert.rejects(ask(`Hi ${told({ status: 500 })}`), OpenAI.InternalServerError);
  await assert.rejects(ask(`Hi ${told({ hang: 1 })}`, { timeout: 400 }), OpenAI.APIConnectionTimeoutError);
});

atBothDoors("an error in the middle of a stream is thrown", async (model) => {
  const text = `Hi ${told({ text: "one two three four", interval_ms: 20, close_after: 3 })}`;
  const stream = await client.chat.completions.create({ model, messages: [user(text)], stream: true });
  await assert.rejects(async () => {
    for await (const chunk of stream) assert.ok(chunk.id);
  }, OpenAI.APIError);
});

check("a bad request names the parameter", async () => {
  await assert.rejects(
    client.chat.completions.create({ model: "mecum", messages: [user("Hi")], temperature: 9 }),
    (error) => error instanceof OpenAI.BadRequestError && error.param === "temperature",
  );
});

check("a batch goes from an uploaded file to the file of its output", async () => {
  const body = { model: "fake", messages: [user(told({ text: "From a batch" }))] };
  const line = JSON.stringify({ custom_id: "one", method: "POST", url: "/v1/chat/completions", body });
  const file = await client.files.create({ file: await toFile(Buffer.from(line), "asked.jsonl"), purpose: "batch" });
  const about = { input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" };
  let batch = await client.batches.create(about);
  while (!["completed", "failed", "expired", "cancelled"].includes(batch.status)) {
    await new Promise((soon) => setTimeout(soon, 100));
    batch = await client.batches.retrieve(batch.id);
  }
  assert.equal(batch.status, "completed");
  const answered = JSON.parse(await (await client.files.content(batch.output_file_id)).text());
  assert.equal(answered.response.body.choices[0].message.content, "From a batch");
  const ids = [];
  for await (const each of client.batches.list({ limit: 1 })) ids.push(each.id);
  assert.ok(ids.includes(batch.id));
  assert.equal((await client.files.delete(file.id)).deleted, true);
});

check("a key without the scope is a permission error", async () => {
  const limited = new OpenAI({ baseURL, apiKey: process.env.MECUM_CHAT_KEY, maxRetries: 0 });
  await assert.rejects(limited.embeddings.create({ model: "fake-embed", input: "x" }), OpenAI.PermissionDeniedError);
});

for (const [name, work] of checks) {
  try {
    await work();
    console.log(JSON.stringify({ name, ok: true }));
  } catch (error) {
    console.log(JSON.stringify({ name, ok: false, why: String(error?.stack ?? error) }));
  }
}
