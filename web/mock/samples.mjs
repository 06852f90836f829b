// What the mock says, and the pages that it begins with.
const day = 86_400_000;
const ago = (ms) => new Date(Date.now() - ms).toISOString();

const TABLE = `The lowest rent is the dearest home. Once heating and your 17 office days a month are counted, **Kasteellaan comes out first**, €15 ahead of the flat on the water and €47 ahead of the one that looks cheapest.

| Home | Rent | Energy | Train | A month, really |
| --- | ---: | ---: | ---: | ---: |
| **Kasteellaan 208** | 1,290 | 141 | 163 | **€1,594** |
| Voorhaven 31 | 1,380 | 58 | 171 | €1,609 |
| Land van Waaslaan 77 | 1,240 | 187 | 214 | €1,641 |

Energy is the weakest number: I took each home’s certificate and last year’s price from your file. Change a figure and the order can change with it, so here is the sum itself.

\`\`\`python
def really(rent, kwh_per_m2, m2, fare):
    """Euros a month. 0.112 €/kWh is your own price of 2025."""
    energy = kwh_per_m2 * m2 / 12 * 0.112
    return round(rent + energy + 17 * fare)

really(1290, 204, 74, 9.60)  # 1594, Kasteellaan 208
\`\`\``;

const EVERYTHING = `## What I can write

A paragraph with *emphasis*, **strength**, \`code\`, a [link](https://example.org/a) and ~~a mistake~~. It costs $5 or $10, and $a^2 + b^2 = c^2$ holds.

1. First, a list
2. Then another item
   - with one below
   - and one more
3. Last

- [x] done
- [ ] not done

> A quotation, which stands back a little.

$$\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$$

### Code

\`\`\`ts
export function lengthOf(text: string): number {
  return [...text].length; // code points 😀
}
\`\`\`

![A chart](https://example.com/chart.png)

<script>alert(1)</script><img src=x onerror=alert(1)>

| a | b |
| - | - |
| 1 | 2 |
`;

/** What is done for an answer: think, say, act, wait, fail. */
export function answerFor(text, effort) {
  const script = [];
  if (effort === "think") script.push({ think: "The person wants a comparison. First the rents, then energy by certificate, then the train on 17 days." });
  if (/fail/.test(text)) return [{ say: "I begin, but " }, { fail: { code: "models.provider_failed", detail: "The model's provider did not answer.", hint: "Try again in a minute, or choose another model.", retryable: true } }];
  if (/form/.test(text)) script.push({ say: "Before I go on I need two things.\n\n" }, { wait: { kind: "form", question: { title: "When and where?", text: "", schema: { type: "object", required: ["f0"], properties: { f0: { title: "City", type: "string" }, f1: { title: "From", type: "string", format: "date" }, f2: { title: "Rooms", type: "integer", minimum: 1 }, f3: { title: "Kind", enum: ["flat", "house"] }, f4: { title: "With a garden", type: "boolean" } } } } } });
  if (/confirm/.test(text)) script.push({ say: "I can look every morning at eight.\n\n" }, { wait: { kind: "confirm", question: { tool: "schedule_task", receiver: null, arguments: { title: "Cheaper flats", when: "every day at 8:00" } } } });
  if (/unknown/.test(text)) script.push({ wait: { kind: "unknown_act", question: { tool: "send_mail", receiver: "mail.example", arguments: { to: "landlord@example.org" } } } });
  if (/flat|table|Ghent/i.test(text)) {
    script.push({ act: { call: "c1", tool: "read_file", label: "Read energy-2025.csv, 12 months", text: "12 rows" } });
    script.push({ act: { call: "c2", tool: "read_page", arguments: { url: "https://trains.example/fares" } } });
    script.push({ say: TABLE });
  } else if (/everything|markdown/i.test(text)) script.push({ say: EVERYTHING });
  else script.push({ say: "Here is a shorter, friendlier letter.\n\n> Dear Ms Claes,\n>\n> the boiler clicks at night. Could somebody look at it this week?\n>\n> Kind regards,\n> Ines\n\nI left out the second paragraph, since it says the same twice. 读起来更自然。" });
  return script;
}

function conversation() {
  const run = "run_sample";
  const at = ago(3 * 3_600_000);
  const mine = { run, message: "msg_a1", at };
  return {
    thread: { title: "Flat in Ghent, real cost", at },
    tip: "msg_a1",
    events: [
      { type: "message.user", message: "msg_u1", parent: null, at, actor: "person", payload: { text: "Two bedrooms in Ghent from March, under €1,450. What would each one really cost us a month, with energy and my train to Brussels?", attachments: [{ id: "att_1", name: "energy-2025.csv", media_type: "text/csv", size_bytes: 14_200 }], effort: "auto", model: null, client_id: "c", surface: "web" } },
      { type: "run.started", ...mine, parent: "msg_u1", payload: { attempt: 1, model: null } },
      { type: "act.intended", ...mine, payload: { call: "c1", tool: "read_file", arguments: { name: "energy-2025.csv" }, receiver: null, label: "Read energy-2025.csv" } },
      { type: "act.done", ...mine, payload: { call: "c1", text: "month,kwh\n01,412\n02,388", failed: false, seconds: 0.2 } },
      { type: "act.intended", ...mine, payload: { call: "c2", tool: "read_page", arguments: { url: "https://trains.example/fares" }, receiver: null, label: "read_page" } },
      { type: "act.done", ...mine, payload: { call: "c2", text: "Gent-Dampoort to Brussel-Centraal 9.60", failed: false, seconds: 2.1 } },
      { type: "message.assistant", ...mine, parent: "msg_u1", payload: { text: TABLE, model: "qwen2.5-coder-0.5b", finish: "stop", tool_steps: 2 } },
      { type: "run.finished", ...mine, payload: { reason: "done", usage: { input: 900, output: 300 }, model: "qwen2.5-coder-0.5b", provider: "local", seconds: 4.2 } },
    ],
  };
}

export function sampleThreads() {
  const titles = [
    ["Rename the backup script", 4 * 3_600_000, { origin: "terminal" }],
    ["Oma’s plum cake, for twelve", 5 * 3_600_000, { unread: true }],
    ["Letter to the landlord", 3 * day, {}],
    ["Dutch, lesson 14", 4 * day, { pinned: true }],
    ["Why does the boiler click?", 5 * day, {}],
    ["Train passes compared", 6 * day, {}],
    ["Reading list for winter", 20 * day, {}],
    ["Old tax questions", 90 * day, { archived: true }],
  ];
  return [
    { thread: { title: "Weekly energy report", origin: "schedule", state: "running", at: ago(60_000) }, events: [] },
    conversation(),
    ...titles.map(([title, age, rest]) => ({ thread: { title, at: ago(age), ...rest }, events: [] })),
  ];
}
