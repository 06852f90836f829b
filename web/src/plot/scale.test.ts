import { expect, test } from "vitest";
import { highest, niceScale, stacked } from "./scale";

test.each([
  [29_400, [0, 10_000, 20_000, 30_000]],
  [11, [0, 5, 10, 15]],
  [0.4, [0, 0.5, 1]],
  [1, [0, 0.5, 1]],
  [1_000_000, [0, 500_000, 1_000_000]],
])("an axis up to %s has round steps", (most, ticks) => {
  expect(niceScale(most, 1).ticks).toEqual(ticks);
});

test.each([0.003, 0.2, 1, 3.7, 12, 99, 101, 4_321, 7e9])("the axis of %s holds it, and wastes less than two thirds", (most) => {
  const { top, ticks } = niceScale(most, 0.0001);
  expect(top).toBeGreaterThanOrEqual(most);
  expect(top).toBeLessThan(most * 3);
  expect(ticks.at(-1)).toBeCloseTo(top, 6);
  expect(ticks.length).toBeLessThanOrEqual(5);
});

test("series stand on each other, and what is missing has no height", () => {
  expect(stacked([[1, 2], [null, 3]])).toEqual([[1, 2], [1, 5]]);
  expect(highest([[1, null], [7, 3]])).toBe(7);
});
