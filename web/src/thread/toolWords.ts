// The built-in tools in words. Tools of apps bring their own.
import { t } from "~/i18n";
import type { Act } from "./state/model";

const DOING: Record<string, () => string> = {
  ask_person: () => t("Asked you"),
  calculate: () => t("Calculated"),
  date_time: () => t("Looked at the calendar"),
  read_page: () => t("Read a page"),
  read_file: () => t("Read a file"),
  schedule_task: () => t("Made a schedule"),
};

function host(url: unknown): string | null {
  if (typeof url !== "string" || !URL.canParse(url)) return null;
  return new URL(url).host;
}

/** What a step did, as one would say it. */
export function actLabel(act: Act): string {
  if (act.label && act.label !== act.tool) return act.label;
  const page = act.tool === "read_page" ? host((act.arguments as { url?: unknown } | null)?.url) : null;
  if (page) return t("Read {page}", { page });
  const words = DOING[act.tool];
  if (words) return words();
  const name = act.tool.replaceAll("_", " ");
  return act.receiver ? t("{receiver}: {tool}", { receiver: act.receiver, tool: name }) : name;
}

/** What a question is about to be done: "Make a schedule?" */
export function askTitle(tool: string): string {
  if (tool === "schedule_task") return t("May I make this schedule?");
  return t("May I do this: {tool}?", { tool: tool.replaceAll("_", " ") });
}
