// Figures and dates of pages with plots. Apart from `time.ts`, which every page loads.
import { getLocale } from "~/i18n";
import { format, number } from "./time";

/** 24 k, 1.2 M: for axes and where little room is. */
export function compact(value: number): string {
  if (getLocale() === "zh") return new Intl.NumberFormat("zh-CN", { notation: "compact", maximumFractionDigits: 1 }).format(value);
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    // What rounds up to the next unit is told in it.
    if (Math.abs(value) >= size * 0.9995) return `${number(value / size, value / size < 100 ? 1 : 0)}\u00a0${unit}`;
  }
  return number(value, Math.abs(value) < 10 ? 1 : 0);
}

export function dayAndMonth(at: string): string {
  return format(at, { day: "numeric", month: "short" });
}

/** November 2026 of 2026-11, or November alone. */
export function monthOf(name: string, looks: "long" | "whole" = "whole"): string {
  const options: Intl.DateTimeFormatOptions = looks === "long" ? { month: "long" } : { month: "long", year: "numeric" };
  // It has no zone: noon of its second day is in it everywhere.
  return format(`${name}-02T12:00:00Z`, options);
}
