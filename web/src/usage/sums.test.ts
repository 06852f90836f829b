import { expect, test } from "vitest";
import type { Cap, PlaceSum, UsageMonth } from "./data";
import { byDay, byPlace, daysOf, likely, monthlyCap, pressing, shifted, unitOf } from "./sums";

function sum(cost: string, tokens = 100): Omit<PlaceSum, "place" | "key"> {
  return { calls: 1, input_tokens: tokens, output_tokens: 0, cost };
}

function month(days: UsageMonth["days"], cost = "0"): UsageMonth {
  return { month: "2026-11", timezone: "UTC", currency: "EUR", starts_at: "2026-11-01T00:00:00Z", ends_at: "2026-12-01T00:00:00Z", first_at: null, answers: 1, background: 0, total: sum(cost), days, models: [], degraded: [] };
}

function cap(fields: Partial<Cap>): Cap {
  return { id: "bud_1", subject: "person", subject_id: "prs_1", unit: "money", currency: "EUR", amount: "12.00", spent: "1", unattributed: "0", period: "month", resets_at: "", hard: true, set_by: "person", ...fields };
}

test("what costs nothing is told in tokens, unless there is a cap in money", () => {
  expect(unitOf(month([]), [])).toBe("tokens");
  expect(unitOf(month([], "0.01"), [])).toBe("money");
  expect(unitOf(month([]), [cap({})])).toBe("money");
});

test("the month goes against the lowest cap that holds for the person", () => {
  const caps = [cap({}), cap({ amount: "9.50", subject: "each_person" }), cap({ amount: "1", period: "day" }), cap({ amount: "2", subject: "key" })];
  expect(monthlyCap(caps, "money")).toBe(9.5);
  expect(monthlyCap(caps, "tokens")).toBe(null);
});

test("a cap that holds back presses before one that only counts, and a quiet one not at all", () => {
  const soft = cap({ id: "soft", hard: false, spent: "20" });
  const near = cap({ id: "near", spent: "11" });
  const used = cap({ id: "used", spent: "12" });
  const key = cap({ id: "key", subject: "key", spent: "12" });
  expect(pressing([soft, key, near, used])?.id).toBe("used");
  expect(pressing([soft, key, near])?.id).toBe("near");
  expect(pressing([soft])?.id).toBe("soft");
  expect(pressing([cap({ spent: "9" })])).toBe(null);
  expect(pressing([cap({ amount: "0.00", spent: "0.00" })])?.id).toBe("bud_1");
});

test("days are counted in the month's own time", () => {
  expect(daysOf(month([]), new Date("2026-11-23T12:00:00Z"))).toEqual({ all: 30, begun: 23 });
  expect(daysOf(month([]), new Date("2027-02-01T00:00:00Z"))).toEqual({ all: 30, begun: 30 });
});

test("places are told apart by key, the largest first, and many small ones are one", () => {
  const places = ["web", "terminal", "phone", "editor", "voice", "background"].map((place, at) => ({ place, key: null, ...sum(String(6 - at)) }));
  const shown = byPlace(month([{ day: "2026-11-02", places: [...places, { place: "key", key: "key_1", ...sum("9") }] }]), "money", 30);
  expect(shown.map((each) => [each.place, each.total])).toEqual([["key", 9], ["web", 6], ["terminal", 5], ["phone", 4], ["others", 6]]);
  expect(shown[0]?.values[1]).toBe(9);
});

test("a steady month ends where its pace leads", () => {
  const days = byDay(month(Array.from({ length: 10 }, (_, at) => ({ day: `2026-11-${String(at + 1).padStart(2, "0")}`, places: [{ place: "web", key: null, ...sum("0.5") }] }))), "money", 30);
  expect(likely(days, 10, 1, 12)).toEqual({ end: 15, low: 15, high: 15, reached: 24 });
  expect(likely(days, 10, 1, 20)?.reached).toBe(null);
});

test("whoever began in the middle of the month is judged by the days since", () => {
  const days = [...Array<number>(19).fill(0), 1, 1, 1, 1, ...Array<number>(7).fill(0)];
  expect(likely(days, 23, 20, null)?.end).toBe(11);
});

test("nothing is foretold from too few days, or of a month that is over", () => {
  expect(likely([1, 1, 0, 0], 2, 1, null)).toBe(null);
  expect(likely([1, 1, 1, 1], 4, 1, null)).toBe(null);
  expect(likely([0, 0, 0, 0], 3, 1, null)).toBe(null);
});

test("an uneven month is told with its spread, and never ends below what was used", () => {
  const found = likely([0, 9, 0, 9, 0, 0, 0, 0], 4, 1, null);
  expect(found?.low).toBeGreaterThanOrEqual(18);
  expect(found?.high).toBeGreaterThan(found?.end ?? 0);
});

test.each([
  ["2026-11", 1, "2026-12"],
  ["2026-12", 1, "2027-01"],
  ["2026-01", -1, "2025-12"],
] as const)("next to %s by %s is %s", (from, by, to) => {
  expect(shifted(from, by)).toBe(to);
});
