// @vitest-environment jsdom
import { beforeAll, expect, test } from "vitest";
import { setLocale } from "~/i18n";
import { cronWords } from "./cronWords";

beforeAll(() => setLocale("en"));

test.each([
  ["0 9 * * *", "every day at 09:00"],
  ["30 8 * * 1-5", "Monday to Friday at 08:30"],
  ["0 19 * * 1,4", "every Monday, Thursday at 19:00"],
  ["0 9 15 * *", "on day 15 of each month at 09:00"],
  ["0 18 L * *", "on the last day of each month at 18:00"],
  ["0 9 * * 1#2", "on the second Monday of each month at 09:00"],
  ["0 16 * * L5", "on the last Friday of each month at 16:00"],
  ["0 9 3 5 *", "every year on 3 May at 09:00"],
  ["0 9 29 2 *", "every year on 29 February at 09:00"],
  ["0 9 1 1,4,7,10 *", "on the first day of each quarter at 09:00"],
  ["0 9 L 3,6,9,12 *", "on the last day of each quarter at 09:00"],
  ["*/30 * * * *", "every 30 minutes"],
  ["0 */2 * * *", "every 2 hours at minute 0"],
  ["0 * * * *", "every hour at minute 0"],
  ["0 9 1-7 * 1", "0 9 1-7 * 1"],
])("%s is told as %s", (cron, words) => {
  expect(cronWords(cron)).toBe(words);
});
