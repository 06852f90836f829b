// What the server's error codes mean, in words that say what happened and what to do.
import { t } from "~/i18n";
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
