import { expect, test } from "vitest";
import { BUILT_IN, placeFor, placesOf, tiersOf } from "./words";

test("tiers and the places of models say the same", () => {
  const tiers = [["a", "b"], ["c"]];
  expect(tiersOf(placesOf(tiers))).toEqual(tiers);
});

test("a place that nobody has makes no tier", () => {
  expect(tiersOf(new Map([["late", 4], ["first", 1], ["also", 4]]))).toEqual([["first"], ["late", "also"]]);
});

test("the built-in model comes in at a place of its own, and so does whoever comes after it", () => {
  expect(placeFor("a", new Map())).toBe(1);
  expect(placeFor("b", new Map([["a", 1]]))).toBe(1);
  expect(placeFor(BUILT_IN, new Map())).toBe(1);
  expect(placeFor(BUILT_IN, new Map([["a", 1]]))).toBe(2);
  expect(placeFor("a", new Map([[BUILT_IN, 1]]))).toBe(2);
});
