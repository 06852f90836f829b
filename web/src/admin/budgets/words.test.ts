// @vitest-environment jsdom
import { beforeAll, expect, test } from "vitest";
import { setLocale } from "~/i18n";
import type { Budget, EachPerson, Overview } from "./data";
import { finding, findingOf, noteWords, unattributedWords } from "./words";

beforeAll(() => setLocale("en"));

function budget(fields: Partial<Budget> = {}): Budget {
  return { id: "bud_1", subject: "person", subject_id: "prs_1", unit: "tokens", currency: null, amount: 200_000, spent: 0, unattributed: 0, period: "day", resets_at: "2026-11-24T00:00:00Z", hard: true, set_by: "operator", name: "Ines", person: { id: "prs_1", name: "Ines" }, ...fields };
}

function overview(fields: Partial<Overview> = {}): Overview {
  const each: EachPerson = { ...budget({ subject: "each_person", subject_id: null }), used_up: 0 };
  return { currency: "EUR", each_person: [each], persons: 0, keys: 0, organisations: 0, ...fields };
}

test.each<[Partial<Overview>, string]>([
  [{}, "Everybody may use 200,000 tokens a day."],
  [{ persons: 2 }, "Everybody may use 200,000 tokens a day; two people have a budget of their own."],
  [{ persons: 1 }, "Everybody may use 200,000 tokens a day; one person has a budget of their own."],
  [{ keys: 1 }, "Everybody may use 200,000 tokens a day; one key has a budget of its own."],
  [{ persons: 3, keys: 1, organisations: 1 }, "Everybody may use 200,000 tokens a day; 3 people, one key and one organisation have a budget of their own."],
  [{ each_person: [] }, "Nobody has a budget."],
  [{ each_person: [], persons: 1 }, "Nobody is held to a budget that all have; one person has a budget of their own."],
])("%o is told as %s", (fields, words) => {
  expect(finding(overview(fields))).toBe(words);
});

test("what holds for one person names each limit, and what only counts is no limit", () => {
  const money = budget({ unit: "money", currency: "EUR", amount: "20.00", period: "month" });
  expect(findingOf("Ines", [budget(), money])).toBe("Ines may use 200,000 tokens a day and €20.00 a month.");
  expect(findingOf("Ines", [budget({ hard: false })])).toBe("What Ines uses is only counted.");
  expect(findingOf("Ines", [budget({ subject: "key" })])).toBe("Ines may use as much as they like.");
});

test("a budget says when it begins anew, what happens over it, and who else set it", () => {
  expect(noteWords(budget())).toEqual(["each day, begins anew 24 Nov", "refuses what goes over it"]);
  expect(noteWords(budget({ subject: "key", hard: false, set_by: "person" }))).toEqual(["Ines", "each day, begins anew 24 Nov", "only counts", "set by themselves"]);
});

test("what nobody can say to have been used is explained where there is any", () => {
  expect(unattributedWords(budget())).toBe(null);
  expect(unattributedWords(budget({ unattributed: 1_200 }))).toContain("1.2\u00a0k tokens of it are not attributed");
});
