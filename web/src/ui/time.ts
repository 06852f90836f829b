// Times and sizes in the person's language and time zone.
import { getLocale, t } from "~/i18n";

let zone: string | undefined;

/** The person's own time zone; the browser's until it is known. */
export function setTimeZone(name: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    zone = name;
  } catch {
    zone = undefined;
  }
}

/** A moment as `Intl.DateTimeFormat` is told to write it. */
export function format(at: string | Date, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(getLocale() === "zh" ? "zh-CN" : "en-GB", { timeZone: zone, ...options }).format(new Date(at));
}

/** 2026-11-23 in the person's zone: to compare days. */
function day(at: Date): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit" }).format(at);
}

export function daysAgo(at: string, now = new Date()): number {
  return Math.round((Date.parse(day(now)) - Date.parse(day(new Date(at)))) / 86_400_000);
}

export function clockTime(at: string): string {
  return format(at, { hour: "2-digit", minute: "2-digit" });
}

export function date(at: string): string {
  return format(at, { day: "numeric", month: "short", year: "numeric" });
}

export function month(at: string): string {
  return format(at, { month: "long", year: "numeric" });
}

export function dateAndTime(at: string): string {
  return format(at, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}

/** The shortest that is still clear: 09:41, yesterday 09:41, 3 Nov 2026. */
export function shortTime(at: string): string {
  const days = daysAgo(at);
  if (days <= 0) return clockTime(at);
  if (days === 1) return t("yesterday {time}", { time: clockTime(at) });
  return format(at, { day: "numeric", month: "short", ...(days > 300 ? { year: "numeric" } : {}) });
}

export function hourNow(): number {
  return Number(new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "numeric", hourCycle: "h23" }).format(new Date()));
}

export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(getLocale() === "zh" ? "zh-CN" : "en-GB", { maximumFractionDigits: digits }).format(value);
}

/** 14 kB, 2.1 MB: decimal, as disks are sold. */
export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${number(size / 1000)} kB`;
  if (size < 1_000_000_000) return `${number(size / 1_000_000, size < 10_000_000 ? 1 : 0)} MB`;
  return `${number(size / 1_000_000_000, 1)} GB`;
}

export function seconds(value: number): string {
  if (value < 10) return t("{n} s", { n: number(value, 1) });
  if (value < 90) return t("{n} s", { n: number(value) });
  return t("{n} min", { n: number(value / 60) });
}

/** "about 40 seconds left", coarse enough not to jump about. */
export function timeLeft(value: number): string {
  if (value < 8) return t("a few seconds left");
  if (value < 55) return t("about {n} seconds left", { n: Math.ceil(value / 5) * 5 });
  if (value < 3_300) return t("about {n, plural, one {# minute} other {# minutes}} left", { n: Math.max(1, Math.round(value / 60)) });
  return t("about {n, plural, one {# hour} other {# hours}} left", { n: Math.max(1, Math.round(value / 3_600)) });
}
