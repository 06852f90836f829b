// A month in figures: what was used by day and place, where it will end, and which cap it goes against.
import { type Cap, type PlaceSum, shareOf, type Sum, type Unit, type UsageMonth } from "./data";

/** From here on a cap is near its end; a notice says so at the same point. */
export const NEAR = 0.8;

/** The cap that says most of what can be asked now: one that is near its end or used up, those that hold back first. */
export function pressing(caps: readonly Cap[]): Cap | null {
  const near = caps.filter((cap) => shareOf(cap) >= NEAR);
  const weight = (cap: Cap) => (cap.hard ? 4 : 0) + (cap.subject === "key" ? 0 : 2) + (shareOf(cap) >= 1 ? 1 : 0);
  return near.sort((one, other) => weight(other) - weight(one) || shareOf(other) - shareOf(one))[0] ?? null;
}

export function valueOf(sum: Sum, unit: Unit): number {
  return unit === "money" ? Number(sum.cost) : sum.input_tokens + sum.output_tokens;
}

/** Money where anything costs, else tokens. */
export function unitOf(month: UsageMonth, caps: readonly Cap[]): Unit {
  return Number(month.total.cost) > 0 || ownMonthly(caps, "money") ? "money" : "tokens";
}

function ownMonthly(caps: readonly Cap[], unit: Unit): Cap | undefined {
  const fits = caps.filter((cap) => cap.period === "month" && cap.unit === unit && (cap.subject === "person" || cap.subject === "each_person"));
  return fits.sort((one, other) => Number(one.amount) - Number(other.amount))[0];
}

/** The cap that the whole month goes against: the lowest that holds for the person. */
export function monthlyCap(caps: readonly Cap[], unit: Unit): number | null {
  const found = ownMonthly(caps, unit);
  return found ? Number(found.amount) : null;
}

/** How many days the month has, and how many of them have begun by `now`; all of them once it is over. */
export function daysOf(month: UsageMonth, now = new Date()): { all: number; begun: number } {
  const [year = 0, number = 1] = month.month.split("-").map(Number);
  const all = new Date(Date.UTC(year, number, 0)).getUTCDate();
  if (now.getTime() >= Date.parse(month.ends_at)) return { all, begun: all };
  const passed = Math.floor((now.getTime() - Date.parse(month.starts_at)) / 86_400_000) + 1;
  return { all, begun: Math.min(all, Math.max(1, passed)) };
}

export function dayNumber(day: string): number {
  return Number(day.slice(8, 10));
}

/** What was used by each day of the month. */
export function byDay(month: UsageMonth, unit: Unit, all: number): number[] {
  const days = Array<number>(all).fill(0);
  for (const { day, places } of month.days) days[dayNumber(day) - 1] = places.reduce((sum, each) => sum + valueOf(each, unit), 0);
  return days;
}

export interface Place {
  place: string;
  key: string | null;
  total: number;
  values: number[];
}

const SHOWN = 5;

/** The places with the most, largest first; the smallest of many are one, called `others`. */
export function byPlace(month: UsageMonth, unit: Unit, all: number): Place[] {
  const found = new Map<string, Place>();
  const add = (each: PlaceSum, at: number) => {
    const name = `${each.place}/${each.key ?? ""}`;
    const place = found.get(name) ?? { place: each.place, key: each.key, total: 0, values: Array<number>(all).fill(0) };
    const value = valueOf(each, unit);
    place.total += value;
    place.values[at] = (place.values[at] ?? 0) + value;
    found.set(name, place);
  };
  for (const { day, places } of month.days) for (const each of places) add(each, dayNumber(day) - 1);
  const sorted = [...found.values()].sort((one, other) => other.total - one.total);
  if (sorted.length <= SHOWN) return sorted;
  const rest = sorted.slice(SHOWN - 1);
  const others: Place = {
    place: "others",
    key: null,
    total: rest.reduce((sum, each) => sum + each.total, 0),
    values: Array.from({ length: all }, (_, at) => rest.reduce((sum, each) => sum + (each.values[at] ?? 0), 0)),
  };
  return [...sorted.slice(0, SHOWN - 1), others];
}

export interface Likely {
  end: number;
  low: number;
  high: number;
  /** On which day the cap is likely reached; null: not in this month. */
  reached: number | null;
}

const KNOWN_DAYS_MIN = 3;

/** Where the month ends at this pace; null before there are days enough to tell by, and once it is over. */
export function likely(days: readonly number[], begun: number, first: number, cap: number | null): Likely | null {
  const known = days.slice(first - 1, begun);
  const left = days.length - begun;
  if (left <= 0 || known.length < KNOWN_DAYS_MIN || !known.some((value) => value > 0)) return null;
  const used = days.slice(0, begun).reduce((sum, value) => sum + value, 0);
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  const spread = Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
  const end = used + mean * left;
  const sway = Math.min(mean * left, 1.28 * spread * Math.sqrt(left));
  const reached = cap !== null && used < cap && end > cap && mean > 0 ? Math.min(days.length, begun + Math.ceil((cap - used) / mean)) : null;
  return { end, low: end - sway, high: end + sway, reached };
}

/** The month before or after 2026-11. */
export function shifted(month: string, by: 1 | -1): string {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number - 1 + by, 1)).toISOString().slice(0, 7);
}
