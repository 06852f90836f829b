// @vitest-environment jsdom
import { beforeAll, expect, test } from "vitest";
import { setLocale } from "~/i18n";
import { BANDS, type Look, type Pool, type Wait } from "./data";
import { advice, finding, whereSeen, whyWords } from "./words";

beforeAll(() => setLocale("en"));

function pool(fields: Partial<Pool> = {}): Pool {
  const bands = BANDS.map((band) => ({ band, used: 0, running: 0, waiting: 0, ceiling: 1, waiting_since: null }));
  return { name: "Rack", local: false, unit: "tokens", state: "free", limit: 1_000, used: 0, running: 0, waiting: 0, bands, slowdown: 1, held_s: 0, first_word_s: null, largest: null, ...fields };
}

function look(fields: Partial<Look> = {}): Look {
  return { at: "2026-11-23T09:45:00Z", replicas: 1, silent: 0, pools: [pool()], waits: [], groups: 0, waiting: 0, longest_s: {}, ceilings: { interactive: 1, api: 0.95, background: 0.85, bulk: 0.7 }, ...fields };
}

test("a quiet house says that there is room", () => {
  expect(finding(look()).join(" ")).toBe("There is room. Nobody waits.");
  expect(finding(look({ pools: [pool({ running: 1 }), pool({ name: "Two" })] })).join(" ")).toBe("There is room everywhere. Nobody waits; one answer is being written.");
});

test("a full pool is counted, and people who wait are told apart from the rest", () => {
  const pools = [pool({ state: "full" }), pool({ name: "Two" })];
  const said = finding(look({ pools, waiting: 14, longest_s: { background: 11.2, interactive: 0.6 } })).join(" ");
  expect(said).toBe("One pool of two is full. 14 requests wait, the longest for 11 seconds; nobody in a conversation waits for longer than 1 second.");
  expect(finding(look({ pools, waiting: 1, longest_s: { bulk: 200 } }))[1]).toBe("One request waits, the longest for 3 minutes; nobody in a conversation waits.");
  expect(finding(look({ waiting: 2, longest_s: { interactive: 4 } }))[1]).toBe("Two questions wait, the longest for 4 seconds.");
});

test("a single pool is called by its name", () => {
  expect(finding(look({ pools: [pool({ local: true, name: "built-in", state: "full" })], waiting: 1, longest_s: { interactive: 8 } }))[0]).toBe("The built-in model is full.");
  expect(finding(look({ pools: [pool({ state: "held", held_s: 20 })] }))[0]).toBe("Rack has too much to do and is left alone for 20 seconds.");
});

test("several server processes are spoken of, and those that did not answer", () => {
  expect(whereSeen(look())).toEqual([]);
  expect(whereSeen(look({ replicas: 3 }))).toEqual(["This is what all 3 server processes have together."]);
  expect(whereSeen(look({ replicas: 3, silent: 1 }))).toEqual(["One of 3 server processes did not answer, and what is there is missing here."]);
});

test("without anything to say nothing is advised", () => {
  expect(advice(look())).toEqual([]);
  expect(advice(look({ pools: [held("interactive", "2026-11-23T09:44:50Z")] }))).toEqual([]);
});

function held(band: string, since: string): Pool {
  return pool({ state: "full", bands: pool().bands.map((each) => (each.band === band ? { ...each, waiting_since: since } : each)) });
}

test("what is held back is told with its time", () => {
  expect(advice(look({ pools: [held("interactive", "2026-11-23T09:31:00Z")] }))[0]).toContain("people wait for Rack");
  expect(advice(look({ pools: [held("bulk", "2026-11-23T09:31:00Z")] }))[0]).toContain("Work that nobody waits for has stood at Rack since");
  expect(advice(look({ pools: [pool({ largest: { person: "Tom", key: "corpus", share: 0.62 } })] }))).toEqual(["Tom, key “corpus” has 62 % of Rack while others wait."]);
});

test.each<[Partial<Wait>, string]>([
  [{ why: "ceiling", ceiling: 0.7 }, "Stops at 70 % while others are about, and it is 96 % full"],
  [{ why: "full" }, "No room for anybody: it is 96 % full"],
  [{ why: "minute" }, "The tokens that it may have in a minute are used"],
  [{ why: "behind", before: 1 }, "1 group comes before it"],
  [{ why: "behind" }, "Its turn comes with the next answer that ends"],
  [{ why: "held" }, "Rack said that it is too much; it is asked again in 12 s"],
])("%o is told as %s", (fields, words) => {
  const wait: Wait = { pool: "Rack", person: "Ines", key: null, band: "bulk", calls: 1, longest_s: 1, why: "full", ceiling: 1, before: 0, about_s: null, ...fields };
  expect(whyWords(wait, pool({ used: 960, held_s: 12 }))).toBe(words);
});

test("who needs more than is left is told so", () => {
  const wait: Wait = { pool: "Rack", person: "Ines", key: null, band: "api", calls: 1, longest_s: 1, why: "full", ceiling: 1, before: 0, about_s: null };
  expect(whyWords(wait, pool({ used: 600 }))).toBe("Too large for the room that is left: 60 % is taken");
  expect(whyWords({ ...wait, why: "ceiling", ceiling: 0.85 }, pool({ used: 600 }))).toBe("Too large for what its band may have: that stops at 85 % while others are about, and 60 % is taken");
});
