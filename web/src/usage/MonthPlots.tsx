import { t } from "~/i18n";
import { Plot, type Series } from "~/plot/Plot";
import { dayAndMonth } from "~/ui/figures";
import type { Unit, UsageMonth } from "./data";
import { byPlace, type Likely } from "./sums";
import { amount, axisAmount, placeName } from "./words";

const TOKENS = ["--s1", "--s3", "--s2", "--s4", "--s5"];

/** Noon of that day of the month, as a moment: in every zone it is that day. */
function moment(month: UsageMonth, day: number): string {
  return `${month.month}-${String(day).padStart(2, "0")}T12:00:00Z`;
}

function dayLabels(month: UsageMonth, all: number): string[] {
  const middle = [1, 2, 3].map((week) => String(Math.round((week * (all - 1)) / 4) + 1));
  return [dayAndMonth(moment(month, 1)), ...middle, String(all)];
}

interface MonthPlotProps {
  month: UsageMonth;
  unit: Unit;
  days: readonly number[];
  begun: number;
  found: Likely | null;
  cap: number | null;
}

export function MonthPlot({ month, unit, days, begun, found, cap }: MonthPlotProps) {
  let used = 0;
  const spent = days.map((value, at) => (at < begun ? (used += value) : null));
  const left = days.length - begun;
  const ahead = (end: number) => days.map((_, at) => (at < begun - 1 ? null : used + ((end - used) * (at - begun + 1)) / Math.max(1, left)));
  const series: Series[] = [
    { key: "below", name: "", token: "--s1", looks: "faint", values: spent },
    { key: "spent", name: unit === "money" ? t("spent") : t("used"), token: "--s1", looks: "line", values: spent, width: 2.25 },
  ];
  if (found) {
    series.push({ key: "high", name: t("likely"), token: "--s1", looks: "cone", values: ahead(found.high) }, { key: "low", name: "", token: "--s1", looks: "clear", values: ahead(found.low) }, { key: "likely", name: "", token: "--s1", looks: "dotted", values: ahead(found.end), width: 1.5 });
  }
  if (cap !== null) series.push({ key: "cap", name: "", token: "--ink", looks: "dashed", values: days.map(() => cap), width: 1.25 });
  const format = (value: number) => axisAmount(value, unit, month.currency);
  const now = amount(used, unit, month.currency);
  const said = cap === null ? t("{used} used so far", { used: now }) : t("{used} used so far, of a cap of {cap}", { used: now, cap: amount(cap, unit, month.currency) });
  return (
    <Plot
      title={cap === null ? (unit === "money" ? t("The month so far") : t("The month so far, in tokens")) : t("The month against your cap")}
      said={said}
      series={series}
      format={format}
      place={(at) => dayAndMonth(moment(month, at + 1))}
      below={dayLabels(month, days.length)}
      least={unit === "money" ? 0.05 : 100}
      height={150}
      mark={cap === null ? undefined : { value: cap, words: t("your cap") }}
    />
  );
}

interface DaysPlotProps {
  month: UsageMonth;
  unit: Unit;
  all: number;
  names: ReadonlyMap<string, string>;
}

export function DaysPlot({ month, unit, all, names }: DaysPlotProps) {
  const places = byPlace(month, unit, all);
  const totals = new Map<string, string>();
  const series: Series[] = places.map((place, at) => {
    const key = `${place.place}/${place.key ?? ""}`;
    totals.set(key, axisAmount(place.total, unit, month.currency));
    return { key, name: placeName(place.place, place.key, names), token: TOKENS[at] ?? "--s5", looks: "bar", values: place.values };
  });
  const said = series.map((each) => `${each.name} ${totals.get(each.key)}`).join(", ");
  return (
    <Plot
      title={unit === "money" ? t("Where it went") : t("Where it went, in tokens")}
      said={said}
      series={series}
      format={(value) => axisAmount(value, unit, month.currency)}
      place={(at) => dayAndMonth(moment(month, at + 1))}
      below={dayLabels(month, all)}
      least={unit === "money" ? 0.01 : 100}
      height={150}
      note={(each) => totals.get(each.key) ?? ""}
    />
  );
}
