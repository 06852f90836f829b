import { expect, test } from "vitest";
import { placesOf, tiersOf } from "./words";

test("tiers and the places of models say the same", () => {
  const tiers = [["a", "b"], ["c"]];
  expect(tiersOf(placesOf(tiers))).toEqual(tiers);
});

test("a place that nobody has makes no tier", () => {
  expect(tiersOf(new Map([["late", 4], ["first", 1], ["also", 4]]))).toEqual([["first"], ["late", "also"]]);
});
