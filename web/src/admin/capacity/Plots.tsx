import { t } from "~/i18n";
import { Plot, type Series } from "~/plot/Plot";
import { sentences } from "~/ui/sentences";
import { compact, dayAndMonth } from "~/ui/figures";
import { clockTime, seconds, shortTime } from "~/ui/time";
import { BANDS, type Band, type History, type Pool } from "./data";
import { BAND_TOKENS, bandName, poolName } from "./words";

export function Plots({ history, pools }: { history: History; pools: readonly Pool[] }) {
  const place = (at: number) => shortTime(moment(history.times[at] ?? 0));
  return (
    <div className="plots">
      <Served history={history} place={place} below={labels(history, history.span === "week" ? 3 : 4)} />
      <Waited history={history} place={place} below={labels(history, 2)} />
      {history.span === "hour" ? <Limit history={history} pools={pools} place={place} below={labels(history, 2)} /> : <FirstWords history={history} place={place} below={labels(history, 2)} />}
    </div>
  );
}

interface Shared {
  history: History;
  place: (at: number) => string;
  below: readonly string[];
}

const sum = (values: readonly (number | null)[]) => values.reduce<number>((total, value) => total + (value ?? 0), 0);
const last = (values: readonly (number | null)[]) => values.findLast((value) => value !== null) ?? null;

/** The bands that were there at all; conversations always. */
function present(history: History): Band[] {
  return BANDS.filter((band) => band === "interactive" || sum(history.served[band]) > 0 || history.waits[band].some((value) => value !== null));
}

function Served({ history, ...shared }: Shared) {
  const bands: Series[] = present(history).map((band) => ({ key: band, name: bandName(band), token: BAND_TOKENS[band], looks: history.span === "hour" ? "area" : "bar", values: history.served[band] }));
  const missed = sum(history.unmet);
  const series: Series[] = [...bands];
  if (missed > 0) series.push({ key: "unmet", name: history.span === "hour" ? t("asked, not let in") : t("turned away, or over a budget"), token: "--danger", looks: history.span === "hour" ? "hatched" : "hatchedBar", values: history.unmet });
  if (sum(history.degraded) > 0) series.push({ key: "degraded", name: t("of it, cut short"), token: "--ink", looks: history.span === "hour" ? "over" : "overBar", values: history.degraded });
  const now = bands.reduce((total, each) => total + (last(each.values) ?? 0), 0);
  const said = missed > 0 ? t("Tokens a second that were served, by band. Some of what was asked found no place, or was over a budget.") : t("Tokens a second that were served, by band. All that was asked was let in.");
  return <Plot title={t("Asked and served, tokens a second")} said={sentences([said, t("Now: {n}.", { n: compact(now) })])} series={series} format={compact} least={10} empty={t("Nothing was asked in this time.")} {...shared} />;
}

function Waited({ history, ...shared }: Shared) {
  const series: Series[] = present(history)
    .map((band) => ({ key: band, name: bandName(band), token: BAND_TOKENS[band], looks: "line" as const, values: history.waits[band], width: band === "interactive" ? 2.25 : 1.75 }))
    .reverse();
  const note = (each: Series) => {
    const value = last(each.values);
    return value === null ? "" : seconds(value);
  };
  const said = series.map((each) => `${each.name} ${note(each) || t("nobody")}`).join(", ");
  return <Plot title={history.span === "hour" ? t("Wait, slowest 5 %") : t("Longest wait")} said={said} series={series} format={seconds} least={1} note={note} empty={t("Nobody had to wait.")} {...shared} />;
}

/** The pool of which there is most to say: somebody waits for it, or it is the fullest. */
function told(history: History, pools: readonly Pool[]): { name: string; limit: number[]; used: number[] } | undefined {
  const urgency = (name: string) => {
    const pool = pools.find((each) => each.name === name);
    return pool ? pool.waiting * 1_000 + (pool.limit ? pool.used / pool.limit : 0) : -1;
  };
  const busy = (each: { name: string; used: number[] }) => urgency(each.name) + (sum(each.used) > 0 ? 0.5 : 0);
  return [...history.pools].filter((each) => urgency(each.name) >= 0).sort((one, other) => busy(other) - busy(one))[0];
}

function Limit({ history, pools, ...shared }: Shared & { pools: readonly Pool[] }) {
  const shown = told(history, pools);
  if (!shown) return null;
  const pool = pools.find((each) => each.name === shown.name);
  const isSlots = pool?.unit === "calls";
  const series: Series[] = [
    { key: "used", name: "", token: "--s1", looks: "faint", values: shown.used },
    { key: "line", name: isSlots ? t("answers being written") : t("tokens in flight"), token: "--s1", looks: "line", values: shown.used, width: 1.5 },
    { key: "limit", name: isSlots ? t("slots") : t("limit, found by itself"), token: "--ink", looks: "step", values: shown.limit },
  ];
  const said = t("{used} of {limit} in use now", { used: compact(last(shown.used) ?? 0), limit: compact(last(shown.limit) ?? 0) });
  return <Plot title={t("Limit of {name}", { name: poolName(shown.name, pool?.local ?? false) })} said={said} series={series} format={compact} least={2} {...shared} />;
}

function FirstWords({ history, ...shared }: Shared) {
  const series: Series[] = present(history)
    .map((band) => ({ key: band, name: bandName(band), token: BAND_TOKENS[band], looks: "line" as const, values: history.first_words[band] ?? [] }))
    .reverse();
  const note = (each: Series) => {
    const value = last(each.values);
    return value === null ? "" : seconds(value);
  };
  return <Plot title={t("Until the first word, on average")} said={series.map((each) => `${each.name} ${note(each) || t("nobody")}`).join(", ")} series={series} format={seconds} least={1} note={note} empty={t("Nothing was asked in this time.")} {...shared} />;
}

function moment(at: number): string {
  return new Date(at * 1_000).toISOString();
}

/** So many words below a plot, and "now". */
function labels({ times, span }: History, parts: number): string[] {
  const words = Array.from({ length: parts }, (_, number) => {
    const at = moment(times[Math.round((number * (times.length - 1)) / parts)] ?? 0);
    return span === "week" ? dayAndMonth(at) : clockTime(at);
  });
  return [...words, t("now")];
}
