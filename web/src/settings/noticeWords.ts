// Notices in words: the server sends kinds and values, the wording is the client's.
import type { Notice } from "~/api/types";
import { t } from "~/i18n";
import { money } from "~/ui/money";
import { dateAndTime, number } from "~/ui/time";

interface Words {
  title: string;
  body: string;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function budgetValues(params: Notice["params"]): { spent: string; limit: string; when: string } {
  const worded = (amount: unknown) =>
    params.unit === "money" ? money(Number(amount), text(params.currency)) : t("{n} tokens", { n: number(Number(amount)) });
  return { spent: worded(params.spent_amount), limit: worded(params.amount), when: dateAndTime(text(params.resets)) };
}

/** A budget that is somebody else's, as those hear of it who look after it. */
function watchedName(subject: unknown): string {
  if (subject === "organisation") return t("An organisation’s budget");
  return subject === "key" ? t("A key’s budget") : t("A person’s budget");
}

export function noticeWords({ kind, params }: Notice): Words {
  const title = text(params.title) || t("Untitled page");
  switch (kind) {
    case "assistant.finished":
      return { title: t("“{title}” is done", { title }), body: t("Open it to read the answer.") };
    case "assistant.failed":
      return { title: t("“{title}” did not work out", { title }), body: t("Open it to see what happened and to try again.") };
    case "assistant.waiting":
      return { title: t("“{title}” needs an answer from you", { title }), body: t("It goes on as soon as you have answered.") };
    case "assistant.schedule_off":
      return { title: t("“{title}” is switched off", { title }), body: t("I can’t do this task any more as it stands. Change it and switch it on again.") };
    case "models.budget_near":
      return { title: t("Your budget is nearly used up"), body: t("{spent} of {limit}. It begins anew on {when}.", budgetValues(params)) };
    case "models.budget_over":
      return { title: t("Your budget is used up"), body: t("{limit} are used. It begins anew on {when}.", budgetValues(params)) };
    case "models.watched_budget_near":
      return { title: t("{whose} is nearly used up", { whose: watchedName(params.subject) }), body: t("{spent} of {limit}. It begins anew on {when}.", budgetValues(params)) };
    case "models.watched_budget_over":
      return { title: t("{whose} is used up", { whose: watchedName(params.subject) }), body: t("{limit} are used. It begins anew on {when}.", budgetValues(params)) };
    case "people.reset_wanted":
      return { title: t("Somebody can’t sign in"), body: t("They asked for a new password, and this Mecum sends no mail. Make a reset link for them and hand it over.") };
    case "people.session_stolen":
      return { title: t("A sign-in of yours was ended"), body: t("Two browsers used the same sign-in, which happens when one was copied. If you don’t know why, change your password.") };
    case "people.sign_in_changed":
      return { title: t("The way you sign in has changed"), body: t("If it was not you, change your password and end all other sessions.") };
    default:
      return { title: text(params.title) || kind.replaceAll(/[._]/g, " "), body: text(params.text) };
  }
}

/** What a kind is about, beside its switches. */
export function kindName(kind: string): string {
  const names: Record<string, () => string> = {
    "assistant.finished": () => t("Work in the background is done"),
    "assistant.failed": () => t("Work in the background failed"),
    "assistant.waiting": () => t("Work in the background needs an answer"),
    "assistant.schedule_off": () => t("A scheduled task was switched off"),
    "models.budget_near": () => t("A budget is nearly used up"),
    "models.budget_over": () => t("A budget is used up"),
    "models.watched_budget_near": () => t("A budget that you look after is nearly used up"),
    "models.watched_budget_over": () => t("A budget that you look after is used up"),
    "people.reset_wanted": () => t("Somebody can’t sign in"),
    "people.session_stolen": () => t("A sign-in of yours was ended for safety"),
    "people.sign_in_changed": () => t("The way you sign in has changed"),
  };
  return names[kind]?.() ?? kind.replaceAll(/[._]/g, " ");
}
