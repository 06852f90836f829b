// Words. Texts are written in English where they are used; catalogues are in locales/.
import { i18n, type Messages } from "@lingui/core";

export type Locale = "en" | "zh";
export const LOCALES: Record<Locale, string> = { en: "English", zh: "中文" };

const loaders: Record<Locale, () => Promise<{ messages: Messages }>> = {
  en: () => import("virtual:messages/en"),
  zh: () => import("virtual:messages/zh"),
};

const KEY = "mecum.locale";

function known(tag: string | null | undefined): Locale | null {
  const short = tag?.toLowerCase().split("-")[0];
  return short === "zh" || short === "en" ? short : null;
}

/** The language to begin with: chosen on this device, else the browser's, else English. */
export function firstLocale(): Locale {
  return known(localStorage.getItem(KEY)) ?? navigator.languages.map(known).find((found) => found !== null) ?? "en";
}

const listeners = new Set<() => void>();

export async function setLocale(tag: string): Promise<void> {
  const locale = known(tag) ?? "en";
  if (i18n.locale === locale) return;
  const { messages } = await loaders[locale]();
  i18n.loadAndActivate({ locale, messages });
  localStorage.setItem(KEY, locale);
  document.documentElement.lang = locale === "zh" ? "zh-CN" : "en";
  for (const listener of listeners) listener();
}

export function getLocale(): Locale {
  return known(i18n.locale) ?? "en";
}

export function onLocale(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The text in the person's language. `text` must be written out at the call; values fill its {placeholders}. */
export function t(text: string, values?: Record<string, string | number>): string {
  if (text in i18n.messages) return i18n._(text, values);
  return values ? text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole)) : text;
}
