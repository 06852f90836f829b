// Amounts of money in the person's language.
import { getLocale } from "~/i18n";

/** Micro-units of a currency as an amount of it; small ones to the digit that counts. */
export function money(micros: number, currency: string): string {
  const value = micros / 1_000_000;
  const digits = value === 0 || value >= 0.1 ? 2 : 4;
  return new Intl.NumberFormat(getLocale() === "zh" ? "zh-CN" : "en-GB", { style: "currency", currency, minimumFractionDigits: 2, maximumFractionDigits: digits }).format(value);
}
