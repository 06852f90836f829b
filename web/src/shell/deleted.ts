import { t } from "~/i18n";

/** After a page was deleted: how long it can be had back. */
export function deletedWords(days: number): string {
  if (days === 0) return t("Deleted.");
  return t("Deleted. I keep it for {n, plural, one {# day} other {# days}} in case you want it back.", { n: days });
}
