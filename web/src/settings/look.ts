import { queryClient, sessionQuery } from "~/api/client";
import { api } from "~/api/http";
import type { Person } from "~/api/types";
import { type Locale, setLocale } from "~/i18n";
import { toastError } from "~/ui/toast";

export type Theme = "system" | "light" | "dark";

export function getTheme(): Theme {
  const held = localStorage.getItem("mecum.theme");
  return held === "light" || held === "dark" ? held : "system";
}

/** Chosen per device: a phone in bed is darker than a desk at noon. */
export function setTheme(theme: Theme): void {
  if (theme === "system") {
    localStorage.removeItem("mecum.theme");
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem("mecum.theme", theme);
    document.documentElement.dataset.theme = theme;
  }
}

/** Puts a changed person in place of the one that was known. */
export function rememberPerson(person: Person): void {
  queryClient.setQueryData(sessionQuery.queryKey, (held) => held && { ...held, person });
}

/** The language is the person's own, on all devices: answers and mails follow it. */
export async function changeLanguage(locale: Locale): Promise<void> {
  try {
    rememberPerson(await api.patch<Person>("/me", { locale }));
    await setLocale(locale);
  } catch (error) {
    toastError(error);
  }
}
