import type { QueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Activity, Archive, Bell, BellRing, CalendarClock, Cpu, Database, Gauge, KeyRound, Languages, Link2, type LucideIcon, Moon, Palette, ScrollText, ShieldCheck, SquarePen, Sun, UserRound, Users, Wallet } from "lucide-react";
import { mayOperate, sessionQuery } from "~/api/client";
import { getLocale, LOCALES, t } from "~/i18n";
import { changeLanguage, setTheme } from "~/settings/look";
import type { Entry } from "./Palette";
import { type PanelName, usePanel } from "./panels";

/** What the command palette can do, in the order in which it is offered. */
export function useCommands(client: QueryClient): Entry[] {
  const navigate = useNavigate();
  const { openPanel } = usePanel();
  const person = client.getQueryData(sessionQuery.queryKey)?.person ?? null;
  const panel = (name: PanelName, icon: LucideIcon, label: string): Entry => ({ key: name, icon, label, run: () => openPanel(name) });
  const other = getLocale() === "zh" ? "en" : "zh";
  const all: Entry[] = [
    { key: "new", icon: SquarePen, label: t("New page"), note: "Ctrl Shift O", run: () => void navigate({ to: "/" }) },
    { key: "archive", icon: Archive, label: t("Archive"), run: () => void navigate({ to: "/archive" }) },
    { key: "usage", icon: Gauge, label: t("Usage"), run: () => void navigate({ to: "/usage" }) },
    panel("notices", Bell, t("Notices")),
    panel("schedules", CalendarClock, t("Schedules and tasks")),
    panel("shares", Link2, t("Shared pages")),
    { key: "light", icon: Sun, label: t("Light"), run: () => setTheme("light") },
    { key: "dark", icon: Moon, label: t("Dark"), run: () => setTheme("dark") },
    { key: "language", icon: Languages, label: LOCALES[other], run: () => void changeLanguage(other) },
    panel("account", UserRound, t("Account")),
    panel("look", Palette, t("Language and look")),
    panel("security", ShieldCheck, t("Sign-in and security")),
    panel("keys", KeyRound, t("API keys")),
    panel("notifications", BellRing, t("What I tell you")),
    panel("data", Database, t("My data")),
  ];
  if (mayOperate(person)) {
    all.push(
      { key: "capacity", icon: Activity, label: t("Capacity"), run: () => void navigate({ to: "/admin/capacity" }) },
      { key: "budgets", icon: Wallet, label: t("Budgets"), run: () => void navigate({ to: "/admin/budgets" }) },
      { key: "models", icon: Cpu, label: t("Models"), run: () => void navigate({ to: "/admin/models" }) },
      { key: "people", icon: Users, label: t("People"), run: () => void navigate({ to: "/admin/people" }) },
      { key: "audit", icon: ScrollText, label: t("Audit log"), run: () => void navigate({ to: "/admin/audit" }) },
    );
  }
  return all;
}
