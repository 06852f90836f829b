// Times of a schedule in words, for the patterns that people use. Others are shown as they are.
import { getLocale, t } from "~/i18n";

function named(date: Date, format: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat(getLocale() === "zh" ? "zh-CN" : "en-GB", { ...format, timeZone: "UTC" }).format(date);
}

function weekday(day: number): string {
  // 4 January 1970 was a Sunday.
  return named(new Date(Date.UTC(1970, 0, 4 + day)), { weekday: "long" });
}

function dayOfYear(month: number, day: number): string {
  return named(new Date(Date.UTC(2024, month - 1, day)), { day: "numeric", month: "long" });
}

const NUMBER = /^\d+$/;
const NTH: Record<string, () => string> = { 1: () => t("first"), 2: () => t("second"), 3: () => t("third"), 4: () => t("fourth"), 5: () => t("fifth"), L: () => t("last") };

/** Hours and minutes that come again and again, or null. */
function interval(minute: string, hour: string): string | null {
  const step = /^\*\/(\d+)$/;
  const minutes = step.exec(minute)?.[1];
  if (minutes && hour === "*") return t("every {minutes} minutes", { minutes });
  if (!NUMBER.test(minute)) return null;
  const hours = step.exec(hour)?.[1];
  if (hours) return t("every {hours} hours at minute {minute}", { hours, minute });
  return hour === "*" ? t("every hour at minute {minute}", { minute }) : null;
}

function inWeek(day: string, time: string): string | null {
  if (day === "*") return t("every day at {time}", { time });
  if (day === "1-5") return t("Monday to Friday at {time}", { time });
  if (/^[0-7](,[0-7])*$/.test(day)) {
    const days = day.split(",").map((one) => weekday(Number(one) % 7));
    return t("every {days} at {time}", { days: days.join(t(", ")), time });
  }
  // "1#2" is the second Monday of a month, "L5" its last Friday.
  const [, last, counted, number] = /^(?:L([0-7])|([0-7])#([1-5]))$/.exec(day) ?? [];
  const which = NTH[number ?? "L"];
  const one = last ?? counted;
  return one && which ? t("on the {which} {weekday} of each month at {time}", { which: which(), weekday: weekday(Number(one) % 7), time }) : null;
}

function onDate(dayOfMonth: string, month: string, time: string): string | null {
  const last = dayOfMonth === "L";
  if (!last && !NUMBER.test(dayOfMonth)) return null;
  if (month === "*") return last ? t("on the last day of each month at {time}", { time }) : t("on day {day} of each month at {time}", { day: dayOfMonth, time });
  if (month === "1,4,7,10" && dayOfMonth === "1") return t("on the first day of each quarter at {time}", { time });
  if (month === "3,6,9,12" && last) return t("on the last day of each quarter at {time}", { time });
  return NUMBER.test(month) && !last ? t("every year on {date} at {time}", { date: dayOfYear(Number(month), Number(dayOfMonth)), time }) : null;
}

export function cronWords(cron: string): string {
  const [minute = "", hour = "", dayOfMonth = "", month = "", day = ""] = cron.trim().split(/\s+/);
  const everyDay = dayOfMonth === "*" && month === "*";
  const found = everyDay && day === "*" ? interval(minute, hour) : null;
  if (found) return found;
  if (!NUMBER.test(minute) || !NUMBER.test(hour)) return cron;
  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  return (everyDay ? inWeek(day, time) : day === "*" ? onDate(dayOfMonth, month, time) : null) ?? cron;
}
