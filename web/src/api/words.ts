// What the server's error codes mean, in words that say what happened and what to do.
import { getLocale, t } from "~/i18n";
import { ApiError } from "./http";

type Words = (params: ApiError["params"]) => string;

const WORDS: Record<string, Words> = {
  offline: () => t("I can’t reach the server. Check your connection, then try again."),
};

export interface ErrorWords {
  what: string;
  hint: string;
  retryable: boolean;
}

/** An error as a person reads it. Codes without words of their own use what the server said. */
export function wordsOf(error: unknown): ErrorWords {
  if (!(error instanceof ApiError)) {
    return { what: t("Something went wrong on this page."), hint: t("Reload it. If it stays, tell whoever runs this Mecum."), retryable: true };
  }
  const words = WORDS[error.code];
  if (words) return { what: words(error.params), hint: "", retryable: error.retryable };
  return { what: error.message, hint: error.hint, retryable: error.retryable };
}

// Runs keep what went wrong in English; these say the same in the person's language.
const RUN_WORDS: Record<string, () => string> = {
  "models.provider_unreachable": () => t("The model’s provider can’t be reached."),
  "models.provider_timeout": () => t("The model’s provider did not answer in time."),
  "models.provider_closed": () => t("The model’s provider broke off before the answer was complete."),
  "models.provider_failed": () => t("The model’s provider failed."),
  "models.provider_busy": () => t("The model’s provider is overloaded. Try again later."),
  "models.provider_limit": () => t("The model’s provider limits how much may be asked. Try again later."),
  "models.provider_key": () => t("The model’s provider does not accept its key. An operator can enter a new one under Models."),
  "models.provider_unknown_model": () => t("The provider does not know this model. An operator can look under Models."),
  "models.provider_refused": () => t("The model can’t take this request."),
  "models.provider_garbage": () => t("The provider sent something that is no answer. An operator can check its address under Models."),
  "models.none": () => t("No model is connected yet. An operator can connect one under Models."),
  "models.model_unknown": () => t("This model is no longer there. Choose another."),
  "models.local_off": () => t("The built-in model is switched off."),
  "models.local_line_full": () => t("Too many wait for the built-in model. Try again later."),
};

/** Why a run failed. */
export function runWords(error: { code: string; detail: string; hint?: string } | null): { what: string; hint: string } {
  if (!error) return { what: t("I could not finish this answer."), hint: "" };
  if (getLocale() === "en") return { what: error.detail, hint: error.hint ?? "" };
  return { what: RUN_WORDS[error.code]?.() ?? t("I could not finish this answer."), hint: error.detail };
}
