// Words of capacity: bands, reasons, findings, and what would help.
import { t } from "~/i18n";
import { clockTime, number, seconds } from "~/ui/time";
import type { Band, Look, Pool, Wait } from "./data";

export function bandName(band: Band): string {
  const names: Record<Band, string> = { interactive: t("conversations"), api: t("programs"), background: t("background"), bulk: t("bulk") };
  return names[band];
}

/** The colour of a band, the same in bars, plots and lists. */
export const BAND_TOKENS: Record<Band, string> = { interactive: "--s1", api: "--s3", background: "--s2", bulk: "--s5" };

export function poolName(name: string, local: boolean): string {
  return local ? t("Built-in model") : name;
}

/** The same as the beginning of a sentence. */
function poolSubject(pool: Pool): string {
  return pool.local ? t("The built-in model") : pool.name;
}

export function percent(share: number): string {
  return t("{n} %", { n: number(share * 100) });
}

/** Whose calls these are, where there are several server processes. */
export function whereSeen({ replicas, silent }: Look): string[] {
  if (replicas < 2) return [];
  if (silent) return [t("{silent, plural, one {One of {replicas} server processes} other {# of {replicas} server processes}} did not answer, and what is there is missing here.", { silent, replicas })];
  return [t("This is what all {replicas} server processes have together.", { replicas })];
}

/** How long something lasts, in a sentence. */
export function lasting(value: number): string {
  if (value < 90) return t("{n, plural, one {# second} other {# seconds}}", { n: Math.max(1, Math.round(value)) });
  if (value < 5_400) return t("{n, plural, one {# minute} other {# minutes}}", { n: Math.round(value / 60) });
  return t("{n, plural, one {# hour} other {# hours}}", { n: Math.round(value / 3_600) });
}

export function soon(value: number | null): string {
  if (value === null) return t("not known");
  return value < 1 ? t("any moment") : seconds(value);
}

/** Who waits: a key by its name, with whose it is. */
export function whoName({ person, key }: { person: string | null; key: string | null }): string {
  if (key && person) return t("{person}, key “{key}”", { person, key });
  return person ?? t("Somebody who is gone");
}

const FULL = 0.95;

export function whyWords(wait: Wait, pool: Pool | undefined): string {
  const full = percent(pool && pool.limit ? Math.min(1, pool.used / pool.limit) : 1);
  switch (wait.why) {
    case "held":
      return t("{name} said that it is too much; it is asked again in {time}", { name: wait.pool, time: seconds(pool?.held_s ?? 0) });
    case "minute":
      return t("The tokens that it may have in a minute are used");
    case "absent":
      return t("The built-in model is not here yet");
    case "ceiling":
      if (pool && pool.limit && pool.used / pool.limit < wait.ceiling) return t("Too large for what its band may have: that stops at {ceiling} while others are about, and {full} is taken", { ceiling: percent(wait.ceiling), full });
      return t("Stops at {ceiling} while others are about, and it is {full} full", { ceiling: percent(wait.ceiling), full });
    case "full":
      return pool && pool.limit && pool.used / pool.limit < FULL ? t("Too large for the room that is left: {full} is taken", { full }) : t("No room for anybody: it is {full} full", { full });
    default:
      return wait.before > 0 ? t("{n, plural, one {# group comes} other {# groups come}} before it", { n: wait.before }) : t("Its turn comes with the next answer that ends");
  }
}

/** The page's finding: which pools are full, who waits and for how long. */
export function finding(look: Look): string[] {
  const { pools } = look;
  if (pools.length === 0) return [t("No model is connected yet, so there is nothing to wait for.")];
  const told = [...stateOfPools(pools)];
  if (look.waiting > 0) told.push(waiting(look));
  else if (pools.some((pool) => pool.running > 0)) {
    const running = pools.reduce((sum, pool) => sum + pool.running, 0);
    told.push(t("Nobody waits; {n, plural, one {one answer is} other {# answers are}} being written.", { n: running }));
  } else told.push(t("Nobody waits."));
  return told;
}

/** Small numbers as a word. */
function counted(n: number): string {
  return [t("two"), t("three"), t("four"), t("five"), t("six")][n - 2] ?? String(n);
}

function stateOfPools(pools: readonly Pool[]): string[] {
  const held = pools.filter((pool) => pool.state === "held");
  const full = pools.filter((pool) => pool.state === "full");
  const told: string[] = [];
  const [onlyFull] = full;
  if (full.length === 1 && pools.length === 1 && onlyFull) told.push(t("{name} is full.", { name: poolSubject(onlyFull) }));
  else if (full.length > 0) told.push(full.length === 1 ? t("One pool of {all} is full.", { all: counted(pools.length) }) : t("{n} pools of {all} are full.", { n: full.length, all: counted(pools.length) }));
  for (const pool of held.slice(0, 2)) told.push(t("{name} has too much to do and is left alone for {time}.", { name: poolSubject(pool), time: lasting(pool.held_s) }));
  if (told.length === 0) told.push(pools.length === 1 ? t("There is room.") : t("There is room everywhere."));
  return told;
}

function waiting(look: Look): string {
  const longest = lasting(Math.max(0, ...Object.values(look.longest_s)));
  const n = look.waiting;
  const talk = look.longest_s.interactive;
  if (Object.keys(look.longest_s).every((band) => band === "interactive")) {
    const who = n === 1 ? t("One question waits") : n === 2 ? t("Two questions wait") : t("{n} questions wait", { n });
    return t("{who}, the longest for {longest}.", { who, longest });
  }
  const who = n === 1 ? t("One request waits") : n === 2 ? t("Two requests wait") : t("{n} requests wait", { n });
  if (talk === undefined) return t("{who}, the longest for {longest}; nobody in a conversation waits.", { who, longest });
  return t("{who}, the longest for {longest}; nobody in a conversation waits for longer than {talk}.", { who, longest, talk: lasting(talk) });
}

/** Calls of the last hour that a budget refused. */
export function overBudget(calls: number): string {
  return calls === 1 ? t("One call of the last hour was refused because a budget was used up.") : t("{n} calls of the last hour were refused because a budget was used up.", { n: number(calls) });
}

const HELD_BACK_S = 30;

/** What would help: only what is true right now. */
export function advice(look: Look): string[] {
  const at = Date.parse(look.at);
  const told: string[] = [];
  for (const pool of look.pools) {
    const name = poolName(pool.name, pool.local);
    const since = (band: Band) => {
      const found = pool.bands.find((each) => each.band === band)?.waiting_since;
      return found && at - Date.parse(found) >= HELD_BACK_S * 1_000 ? found : null;
    };
    if (pool.largest) told.push(t("{who} has {share} of {name} while others wait.", { who: whoName(pool.largest), share: percent(pool.largest.share), name }));
    const people = since("interactive");
    const low = since("background") ?? since("bulk");
    if (people && pool.local) told.push(t("Since {time} people wait for the built-in model. It answers one or two at a time; a connected model answers many.", { time: clockTime(people) }));
    else if (people) told.push(t("Since {time} people wait for {name}, though everything else is held back for them. It takes no more: another account or server with the same models would help.", { time: clockTime(people), name }));
    else if (low) told.push(t("Work that nobody waits for has stood at {name} since {time}. It goes on by itself when people and programs ask less; more of it would go at once with another account or server.", { name, time: clockTime(low) }));
    if (pool.slowdown >= 2.5 && pool.running > 0) told.push(t("{name} is {n} times slower than when it has little to do, so it gets less at once.", { name, n: number(pool.slowdown, 1) }));
  }
  return told;
}
