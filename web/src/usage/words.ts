// Words of usage: amounts, places, periods, findings.
import { t } from "~/i18n";
import { compact, dayAndMonth } from "~/ui/figures";
import { money } from "~/ui/money";
import { dateAndTime, number } from "~/ui/time";
import { type Cap, type DegradedCall, type Period, shareOf, type Unit, type UsageMonth } from "./data";
import type { Likely } from "./sums";

/** An amount as people read it: tokens short, money with its sign. */
export function amount(value: number, unit: Unit, currency: string): string {
  return unit === "money" ? money(value * 1_000_000, currency) : t("{n} tokens", { n: compact(value) });
}

/** The same for axes, which say nothing of the unit twice. */
export function axisAmount(value: number, unit: Unit, currency: string): string {
  if (unit === "tokens" || value === 0) return compact(value);
  // Whole amounts stand at an axis without their cents.
  return value >= 1 && Number.isInteger(value) ? money(value * 1_000_000, currency).replace(/[.,]00$/, "") : money(value * 1_000_000, currency);
}

export function capAmount(cap: Cap, value: number | string): string {
  return amount(Number(value), cap.unit, cap.currency ?? "USD");
}

export function placeName(place: string, key: string | null, keys: ReadonlyMap<string, string>): string {
  switch (place) {
    case "web":
      return t("conversations");
    case "terminal":
      return t("terminal");
    case "editor":
      return t("editor");
    case "phone":
      return t("phone");
    case "voice":
      return t("voice");
    case "background":
      return t("in the background");
    case "others":
      return t("elsewhere");
    case "key": {
      const name = key && keys.get(key);
      return name ? t("key “{name}”", { name }) : t("a key that is gone");
    }
    default:
      return t("programs");
  }
}

export function periodName(period: Period): string {
  const names: Record<Period, string> = { day: t("each day"), week: t("each week"), month: t("each month") };
  return names[period];
}

export function anewWords(cap: Cap): string {
  return t("begins anew {when}", { when: dayAndMonth(cap.resets_at) });
}

/** An amount with its time, in full: 200,000 tokens a day. */
export function allowance(cap: Cap): string {
  const n = cap.unit === "money" ? capAmount(cap, cap.amount) : t("{n} tokens", { n: number(Number(cap.amount)) });
  const names: Record<Period, string> = { day: t("{n} a day", { n }), week: t("{n} a week", { n }), month: t("{n} a month", { n }) };
  return names[cap.period];
}

/** A cap that is near its end or used up, as the title of the page, and what it means. */
export function pressingWords(cap: Cap, keys: ReadonlyMap<string, string>): { title: string; told: string } {
  const what = allowance(cap);
  const names: Partial<Record<Cap["subject"], string>> = { key: t("The cap of {what} on {name}", { what, name: capName(cap, keys) }), organisation: t("The cap of {what} of your organisation", { what }) };
  const whose = names[cap.subject] ?? t("Your cap of {what}", { what });
  const when = dateAndTime(cap.resets_at);
  const isOver = shareOf(cap) >= 1;
  const said = isOver ? (cap.hard ? t("{whose} is used up", { whose }) : t("{whose} is exceeded", { whose })) : t("{whose} is nearly used up", { whose });
  if (!cap.hard) return { title: said, told: t("It is only counted: nothing is held back. It begins anew on {when}.", { when }) };
  if (isOver) return { title: said, told: t("Until {when} what would go over it is refused. A built-in model is not counted and can be asked all the same.", { when }) };
  const left = capAmount(cap, Number(cap.amount) - Number(cap.spent));
  return { title: said, told: t("{left} are left until {when}. Answers are kept shorter where there is too little for a long one, and refused once it is used up.", { left, when }) };
}

const WORDS_PER_TOKEN = 0.75;

/** The title of the page. */
export function title(month: UsageMonth, name: string, unit: Unit, cap: number | null): string {
  const used = unit === "money" ? Number(month.total.cost) : month.total.input_tokens + month.total.output_tokens;
  if (month.total.calls === 0) return Date.parse(month.ends_at) > Date.now() ? t("Nothing used in {month} yet", { month: name }) : t("Nothing used in {month}", { month: name });
  if (cap !== null) return t("You used {used} of {cap}", { used: amount(used, unit, month.currency), cap: amount(cap, unit, month.currency) });
  if (unit === "money") return t("You used {used} in {month}", { used: amount(used, unit, month.currency), month: name });
  return t("You used {used} tokens in {month}", { used: number(Number(used.toPrecision(3))), month: name });
}

export function callsWords(n: number): string {
  return t("{n, plural, one {# call} other {# calls}}", { n });
}

/** What was done for it, and how much that is in words. */
export function done(month: UsageMonth, unit: Unit): string[] {
  const told: string[] = [];
  const { answers, background } = month;
  const questions = t("{n, plural, one {# question} other {# questions}}", { n: answers });
  const work = t("{n, plural, one {# piece} other {# pieces}} of work done while you were away", { n: background });
  if (answers > 0 && background > 0) told.push(t("That is {questions} and {work}.", { questions, work }));
  else if (answers + background > 0) told.push(t("That is {what}.", { what: answers > 0 ? questions : work }));
  else if (month.total.calls > 0) {
    const calls = callsWords(month.total.calls);
    const byPrograms = month.days.every((day) => day.places.every(({ place }) => place === "key" || place === "api"));
    told.push(byPrograms ? t("That is {calls} of programs.", { calls }) : t("That is {calls}, none of which led to an answer.", { calls }));
  }
  const tokens = month.total.input_tokens + month.total.output_tokens;
  if (unit === "tokens" && tokens > 0) told.push(t("A token is about three quarters of a word, so models read and wrote about {n} words for you. None of it costs anything here.", { n: number(roundedWords(tokens)) }));
  return told;
}

/** Two digits that count: it is about so many. */
export function roundedWords(tokens: number): number {
  return Number((tokens * WORDS_PER_TOKEN).toPrecision(2));
}

export function ending(found: Likely, month: UsageMonth, name: string, unit: Unit, cap: number | null): string {
  const end = amount(found.end, unit, month.currency);
  if (cap === null) return t("At this pace {month} ends near {end}.", { month: name, end });
  // Over it already: what that means stands at the beginning.
  if (found.reached === null && found.end >= cap) return t("At this pace {month} ends near {end}.", { month: name, end });
  if (found.reached !== null) return t("At this pace your cap is reached about day {day} of {month}.", { day: found.reached, month: name });
  return t("At this pace {month} ends near {end}, so nothing will be held back.", { month: name, end });
}

export function capName(cap: Cap, keys: ReadonlyMap<string, string>): string {
  if (cap.subject === "key") {
    const name = cap.subject_id && keys.get(cap.subject_id);
    return name ? t("Key “{name}”", { name }) : t("A key that is gone");
  }
  return cap.subject === "organisation" ? t("Your organisation together") : t("Everything");
}

export function degradedWords(call: DegradedCall): string {
  return call.degraded === "shorter" ? t("An answer of {model} was kept shorter, because a cap was near.", { model: call.model }) : t("An answer of {model} was made with less, because there was no room for more.", { model: call.model });
}
