import { t } from "~/i18n";

/** What the built-in model is called. */
export const BUILT_IN = "mecum-local";

const together = (names: string[]): string => names.join(t(" and "));

/** Who answers for a name, in which order: "quick and swift, then deep". */
export function tiersWords(tiers: string[][]): string {
  if (tiers.length === 0) return t("none of its models is there any more");
  return tiers.map(together).join(t(", then "));
}

/** Models with the number of their tier, as tiers without gaps. */
export function tiersOf(places: Map<string, number>): string[][] {
  const numbers = [...new Set(places.values())].sort((one, other) => one - other);
  return numbers.map((number) => [...places].filter(([, place]) => place === number).map(([name]) => name));
}

/** The place at which a model comes in: with the last ones, but the built-in model shares a place with nobody. */
export function placeFor(name: string, places: Map<string, number>): number {
  const last = Math.max(0, ...places.values());
  const isAlone = name === BUILT_IN || places.get(BUILT_IN) === last;
  return isAlone ? last + 1 : Math.max(1, last);
}

export function placesOf(tiers: string[][]): Map<string, number> {
  return new Map(tiers.flatMap((names, place) => names.map((name) => [name, place + 1] as const)));
}
