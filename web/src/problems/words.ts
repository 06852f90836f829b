// What went wrong, in words, by the server's codes: of runs, files, models and providers. Loaded when there is a problem to show.
// tests/contract/test_client_words.py fails when a code that can be shown in a page is missing here.
import type { Problem } from "~/api/types";
import { t } from "~/i18n";
import { money } from "~/ui/money";
import { bytes, dateAndTime, number } from "~/ui/time";

export interface ProblemWords {
  what: string;
  hint: string;
}

type Param = (name: string) => string;
type Say = (p: Param) => [what: string, hint?: string];

class Missing extends Error {}

const later = () => t("Try again later.");
const soon = () => t("Try again in a moment.");
const lookUnderModels = () => t("An operator can look under Models.");
/** What a provider said itself, in whatever language that is. */
const said = (p: Param, hint: string) => (p("said") ? `${t("It says: {said}", { said: p("said") })} ${hint}` : hint);

/** Which budget is used up; a person's own reads differently from one that many share. */
function budgetSpent(p: Param): string {
  const limit = p("unit") === "money" ? money(Number(p("amount")), p("currency")) : t("{n} tokens", { n: number(Number(p("amount"))) });
  const per = { day: t("today"), week: t("this week"), month: t("this month") }[p("period")] ?? "";
  if (p("subject") === "organisation") return t("The organisation’s budget of {limit} for {period} is used up.", { limit, period: per });
  if (p("subject") === "key") return t("The key’s budget of {limit} for {period} is used up.", { limit, period: per });
  return t("Your budget of {limit} for {period} is used up.", { limit, period: per });
}

const WORDS: Record<string, Say> = {
  "assistant.broken": () => [t("Something went wrong in Mecum itself."), t("It was logged. Trying again may help.")],
  "assistant.file_given_up": () => [t("This file could not be read."), t("Remove it, and attach it again.")],
  "assistant.file_kind": () => [t("I can’t read this kind of file.")],
  "blob_damaged": () => [t("A stored file is damaged.")],
  "blob_not_found": () => [t("A stored file is no longer there.")],
  "blob_quota": (p) => [t("All files here together may take {size}.", { size: bytes(Number(p("quota_bytes"))) }), t("Delete what is not needed any more.")],
  "blob_too_large": (p) => [t("A single file may have {size}.", { size: bytes(Number(p("limit_bytes"))) })],
  "crypto.wrong_key": () => [t("What is stored here can’t be opened: the key file is not the one that belongs to it."), t("Tell whoever runs this Mecum.")],
  "database_unavailable": () => [t("The database can’t be reached."), soon()],
  "disk_failed": () => [t("The disk of this Mecum takes no files."), t("Tell whoever runs this Mecum.")],
  "disk_full": () => [t("The disk of this Mecum is full."), t("Ask whoever runs this Mecum to make room.")],
  "documents.broken": () => [t("The file is damaged, or not what its name says.")],
  "documents.kind": () => [t("I can’t read this kind of file.")],
  "documents.no_text": () => [t("No text was found in it.")],
  "documents.not_text": () => [t("The file is not text.")],
  "documents.pdf": () => [t("The PDF is damaged, or protected by a password.")],
  "documents.scan": () => [t("No text was found in it. A scan has pictures of words only.")],
  "documents.too_much": () => [t("The file takes more memory or time to read than it is given.")],
  "documents.too_slow": (p) => [t("It took longer than {n} seconds to read.", { n: p("seconds") })],
  "embedder_busy": () => [t("Too many texts wait for the built-in search model."), soon()],
  "embedder_failed": () => [t("The built-in search model stopped; it is started again for the next question."), soon()],
  "embedder_too_many_texts": (p) => [t("More than {n} texts at once.", { n: p("limit") }), t("Send them in several requests.")],
  "engine_crashed": () => [t("The built-in model stopped unexpectedly and is started again."), soon()],
  "engine_loading": () => [t("The built-in model is not ready yet."), soon()],
  "engine_off": () => [t("The built-in model is switched off."), t("Choose a connected model.")],
  "engine_start_failed": (p) => [t("The built-in model {name} can’t be loaded.", { name: p("model") }), t("Choose MECUM_LOCAL_MODEL=small or a shorter MECUM_LOCAL_CONTEXT, or connect a model.")],
  "model_directory_unusable": (p) => [t("Models can’t be kept in {place}.", { place: p("directory") }), t("Mend its rights, or set MECUM_MODELS_DIR to another directory.")],
  "model_disk_full": (p) => [t("The disk of {place} lacks {n} MB for the model.", { place: p("directory"), n: number(Number(p("missing_mb"))) }), t("Make room, or set MECUM_MODELS_DIR to another disk; what has arrived is kept.")],
  "model_file_unusable": (p) => [t("MECUM_LOCAL_MODEL names {place}, which can’t be used.", { place: p("path") }), t("Name a GGUF file that can be read.")],
  "model_paused": () => [t("The download of the built-in model is paused."), t("Let it go on, or connect a model.")],
  "model_unreachable": (p) => [t("The model {name} could not be fetched.", { name: p("model") }), t("Check the network and the settings of pip, or set MECUM_LOCAL_MODEL to a GGUF file of your own.")],
  "models.budget_gone": () => [t("A budget was removed just now."), t("Try again.")],
  "models.budget_spent": (p) => [budgetSpent(p), t("It begins anew on {when}.", { when: dateAndTime(p("resets")) })],
  "models.amount_malformed": (p) => [t("“{given}” is not a price.", { given: p("given") }), t("Write it as 2.50: at most six decimals, nothing below zero.")],
  "models.busy": (p) => [t("{provider} has too much to do right now.", { provider: p("provider") }), t("Try again later.")],
  "models.ended_early": () => [t("The answer broke off before its end."), t("Try again.")],
  "models.local_arriving": () => [t("The built-in model is not here yet."), t("Try again later, or choose another model.")],
  "models.local_line_full": () => [t("Too many wait for the built-in model."), t("Try again later, or choose another model.")],
  "models.local_off": () => [t("The built-in model is switched off."), t("Choose a connected model.")],
  "models.local_wanted": () => [t("The built-in model is needed for answers."), t("Try again later.")],
  "models.model_unknown": () => [t("This model is no longer there."), t("Choose another.")],
  "models.network_off": (p) => [t("{provider} is beyond this machine, and the network is switched off.", { provider: p("provider") }), t("Unset MECUM_ALLOW_NETWORK, or use a model of this machine.")],
  "models.nobody": () => [t("There is nobody to do this work for.")],
  "models.none": () => [t("No model is connected yet."), t("An operator can connect one under Models.")],
  "models.paused": (p) => [t("Every key for {name} is paused.", { name: p("model") }), t("Choose another model. An operator can let a key go on under Models.")],
  "models.provider_busy": (p) => [t("{provider} is overloaded.", { provider: p("provider") }), said(p, later())],
  "models.provider_closed": (p) => [t("{provider} broke off before the answer was complete.", { provider: p("provider") }), t("Try again.")],
  "models.provider_failed": (p) => [t("{provider} failed.", { provider: p("provider") }), said(p, t("Try again, or choose another model."))],
  "models.provider_garbage": (p) => [t("{provider} sent something that is no answer.", { provider: p("provider") }), t("An operator can check its address and its protocol under Models.")],
  "models.provider_key": (p) => [t("{provider} does not accept its key.", { provider: p("provider") }), t("An operator can enter a new one under Models.")],
  "models.provider_limit": (p) => [t("{provider} limits how much may be asked.", { provider: p("provider") }), said(p, later())],
  "models.provider_refused": (p) => [t("{provider} refused the request, with status {status}.", { provider: p("provider"), status: p("status") }), said(p, t("It is not one that this model can take."))],
  "models.provider_timeout": (p) => [t("{provider} did not answer within {n} seconds.", { provider: p("provider"), n: p("seconds") }), t("Try again, or raise MECUM_PROVIDER_*_TIMEOUT_S.")],
  "models.provider_too_long": (p) => [t("{provider} sent more than {size}, which can’t be right.", { provider: p("provider"), size: bytes(Number(p("limit_bytes"))) }), t("Ask for a shorter answer.")],
  "models.provider_unknown_model": (p) => [t("{provider} does not know this model or address.", { provider: p("provider") }), said(p, lookUnderModels())],
  "models.provider_unreachable": (p) => [t("{provider} can’t be reached ({why}).", { provider: p("provider"), why: p("why") }), t("Check that it runs and that its address is right.")],
  "models.too_many_texts": (p) => [t("More than {n} texts at once.", { n: p("limit") }), t("Send them in several requests.")],
  "models.unknown": (p) => [t("There is no model called {name}.", { name: p("model") }), t("Choose another.")],
  "people.disabled": () => [t("This account is disabled."), t("Ask whoever runs this Mecum.")],
  "people.no_person": () => [t("This account is no longer there.")],
  "people.no_space": () => [t("This space is no longer there.")],
  "valkey_unavailable": () => [t("A part of this Mecum can’t be reached (Valkey)."), soon()],
};

/** A problem as a person reads it. One without words, or from before its parameters were kept, is said as the server said it. */
export function problemWords({ code, detail, hint = "", params = {} }: Problem): ProblemWords {
  const p = (name: string) => {
    const value = params[name];
    if (value === undefined || value === null) throw new Missing(name);
    return String(value);
  };
  try {
    const [what, doing] = WORDS[code]?.(p) ?? [detail, hint];
    return { what, hint: doing ?? "" };
  } catch (error) {
    if (error instanceof Missing) return { what: detail, hint };
    throw error;
  }
}
