// Words of budgets: whose they are, what they allow, and the page's finding. No plurals in the texts: those of all pages
// are in the bundle that every page waits for.
import { t } from "~/i18n";
import type { Cap } from "~/usage/data";
import { allowance, anewWords, capAmount, periodName } from "~/usage/words";
import type { Budget, EachPerson, Overview } from "./data";

export function budgetName(budget: Budget): string {
  switch (budget.subject) {
    case "each_person":
      return t("What each person has");
    case "key":
      return t("Key “{name}”", { name: budget.name ?? t("gone") });
    case "organisation":
      return budget.name ?? t("An organisation that is gone");
    default:
      return budget.name ?? t("Somebody who is gone");
  }
}

/** When it begins anew, what happens over it, and whose it is. */
export function noteWords(budget: Budget | EachPerson): string[] {
  const told = [t("{period}, {anew}", { period: periodName(budget.period), anew: anewWords(budget) }), budget.hard ? t("refuses what goes over it") : t("only counts")];
  if ("person" in budget && budget.subject === "key" && budget.person) told.unshift(budget.person.name ?? t("Somebody who is gone"));
  if (budget.set_by === "person") told.push(t("set by themselves"));
  return told;
}

/** Null where everything that was spent is known. */
export function unattributedWords(cap: Cap): string | null {
  if (Number(cap.unattributed) <= 0) return null;
  return t("{amount} of it are not attributed: a server process ended while calls were under way. They may have been spent, so they count.", { amount: capAmount(cap, cap.unattributed) });
}

/** What giving it back means; `person`: of one person's part alone. */
export function givingBackWords(budget: Budget | EachPerson, person: string | undefined): string {
  const known = t("Do so when you know that it was not used, for instance because the provider’s own figures say so. What is recorded as used stays spent, and the audit log says who gave it back.");
  return budget.subject === "each_person" && !person ? `${t("It is what all people lost together.")} ${known}` : known;
}

function both(parts: readonly string[]): string {
  const last = parts.at(-1) ?? "";
  return parts.length < 2 ? last : t("{these} and {last}", { these: parts.slice(0, -1).join(t(", ")), last });
}

function everybodyWords(each: readonly Cap[]): string {
  const hard = each.filter((cap) => cap.hard);
  if (hard.length > 0) return t("Everybody may use {what}", { what: both(hard.map(allowance)) });
  if (each.length > 0) return t("What everybody uses is counted against {what}", { what: both(each.map(allowance)) });
  return t("Nobody is held to a budget that all have");
}

function ownersWords({ persons, keys, organisations }: Overview): string | null {
  const told: string[] = [];
  if (persons > 0) told.push(persons === 1 ? t("one person") : persons === 2 ? t("two people") : t("{n} people", { n: persons }));
  if (keys > 0) told.push(keys === 1 ? t("one key") : t("{n} keys", { n: keys }));
  if (organisations > 0) told.push(organisations === 1 ? t("one organisation") : t("{n} organisations", { n: organisations }));
  if (told.length === 0) return null;
  const who = both(told);
  if (persons + keys + organisations > 1) return t("{who} have a budget of their own", { who });
  return persons > 0 ? t("{who} has a budget of their own", { who }) : t("{who} has a budget of its own", { who });
}

/** The page's finding. */
export function finding(overview: Overview): string {
  const first = everybodyWords(overview.each_person);
  const own = ownersWords(overview);
  if (own) return t("{first}; {own}.", { first, own });
  return overview.each_person.length > 0 ? t("{first}.", { first }) : t("Nobody has a budget.");
}

export function usedUpWords(each: EachPerson): string {
  if (each.used_up === 0) return t("nobody has used it up");
  return each.used_up === 1 ? t("one person has used it up") : t("{n} people have used it up", { n: each.used_up });
}

/** What holds for one person, key or organisation; `name` is what they are called. */
export function findingOf(name: string, budgets: readonly Budget[]): string {
  const hard = budgets.filter((budget) => budget.hard && budget.subject !== "key");
  if (hard.length > 0) return t("{name} may use {what}.", { name, what: both(hard.map(allowance)) });
  return budgets.some((budget) => budget.subject !== "key") ? t("What {name} uses is only counted.", { name }) : t("{name} may use as much as they like.", { name });
}

export function findingOfKey(name: string, budgets: readonly Budget[]): string {
  const hard = budgets.filter((budget) => budget.hard);
  return hard.length > 0 ? t("Key “{name}” may use {what}.", { name, what: both(hard.map(allowance)) }) : t("What key “{name}” uses is only counted.", { name });
}
