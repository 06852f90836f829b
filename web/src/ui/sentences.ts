import { getLocale } from "~/i18n";

/** Sentences after each other: Chinese has no space between them. */
export function sentences(told: readonly string[]): string {
  return told.join(getLocale() === "zh" ? "" : " ");
}
