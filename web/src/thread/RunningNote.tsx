import type { WaitingHint } from "~/api/events";
import { useLocalModel } from "~/api/client";
import { t } from "~/i18n";
import { Meter } from "~/ui/Meter";
import { bytes, timeLeft } from "~/ui/time";

function Arriving({ hint }: { hint: WaitingHint }) {
  const local = useLocalModel();
  const progress = hint.progress ?? (local?.bytes_total ? (local.bytes_done ?? 0) / local.bytes_total : null);
  const left = hint.about_seconds ?? local?.seconds_left ?? null;
  return (
    <div className="waiting" data-testid="model-arriving">
      <p>{t("Your model is still arriving. I answer as soon as it is here; you can leave this page.")}</p>
      <Meter label={t("Model download")} value={progress} />
      <p className="muted small num">
        {local?.bytes_total ? t("{done} of {total}", { done: bytes(local.bytes_done ?? 0), total: bytes(local.bytes_total) }) : ""}
        {left !== null && ` · ${timeLeft(left)}`}
      </p>
    </div>
  );
}

function wordsOf(hint: WaitingHint): string {
  switch (hint.reason) {
    case "model_loading":
      return t("The model is being woken up.");
    case "queued":
      return t("Others are ahead of you.");
    case "provider_busy":
      return t("The model’s provider is busy. I try again by myself.");
    default:
      return "";
  }
}

/** Why there is nothing to read yet. */
export function RunningNote({ hint, quiet }: { hint: WaitingHint | null; quiet: boolean }) {
  if (hint?.reason === "model_arriving") return <Arriving hint={hint} />;
  if (hint) {
    const left = hint.about_seconds;
    return (
      <p className="waiting muted">
        <i className="pulse" />
        {wordsOf(hint)} {left ? timeLeft(left) : ""}
      </p>
    );
  }
  if (quiet) return null;
  return (
    <div className="waiting" role="status" aria-label={t("Mecum is writing")}>
      <i className="pulse" />
      <span className="muted small waiting__late">{t("One moment")}</span>
    </div>
  );
}
