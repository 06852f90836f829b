// Times of a schedule in words, for the patterns that people use. Others are shown as they are.
import { getLocale, t } from "~/i18n";

function weekday(day: number): string {
  // 4 January 1970 was a Sunday.
  return new Intl.DateTimeFormat(getLocale() === "zh" ? "zh-CN" : "en-GB", { weekday: "long", timeZone: "UTC" }).format(new Date(Date.UTC(1970, 0, 4 + day)));
}

const NUMBER = /^\d+$/;

export function cronWords(cron: string): string {
  const [minute = "", hour = "", dayOfMonth = "", month = "", day = ""] = cron.trim().split(/\s+/);
  if (!NUMBER.test(minute) || month !== "*") return cron;
  if (hour === "*" && dayOfMonth === "*" && day === "*") return t("every hour at minute {minute}", { minute });
  if (!NUMBER.test(hour)) return cron;
  const time = `${hour.padStart(2, "0")}:${minute.padStart(2, "0")}`;
  if (dayOfMonth === "*" && day === "*") return t("every day at {time}", { time });
  if (dayOfMonth === "*" && day === "1-5") return t("Monday to Friday at {time}", { time });
  if (dayOfMonth === "*" && /^[0-7](,[0-7])*$/.test(day)) {
    const days = day.split(",").map((one) => weekday(Number(one) % 7));
    return t("every {days} at {time}", { days: days.join(t(", ")), time });
  }
  if (NUMBER.test(dayOfMonth) && day === "*") return t("on day {day} of each month at {time}", { day: dayOfMonth, time });
  return cron;
}
