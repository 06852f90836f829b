import type { Amounts } from "~/api/types";
import { t } from "~/i18n";

export const KINDS: readonly (keyof Amounts)[] = ["input", "cached", "cache_write", "output", "reasoning", "image", "second"];

const NAMES: Record<keyof Amounts, () => string> = {
  input: () => t("Read"),
  cached: () => t("Read, kept by the provider"),
  cache_write: () => t("Read, to be kept by the provider"),
  output: () => t("Written"),
  reasoning: () => t("Thought"),
  image: () => t("Per picture"),
  second: () => t("Per second of video"),
};

export const kindName = (kind: keyof Amounts): string => NAMES[kind]();

const isFree = (price: Amounts): boolean => KINDS.every((kind) => Number(price[kind]) === 0);

/** What a model costs, in a few words: what it reads and what it writes. */
export function priceWords(price: Amounts, currency: string): string {
  return isFree(price) ? t("costs nothing") : t("{currency} {read} in, {written} out per million", { currency, read: price.input, written: price.output });
}

/** The kinds that say something of their own, for whoever looks closer. */
export function furtherKinds(price: Amounts): (keyof Amounts)[] {
  const usual: Partial<Record<keyof Amounts, string>> = { cached: price.input, cache_write: price.input, reasoning: price.output, image: "0.00", second: "0.00" };
  return KINDS.filter((kind) => kind in usual && usual[kind] !== price[kind]);
}
