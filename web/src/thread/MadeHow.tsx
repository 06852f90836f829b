import { useModels } from "~/api/client";
import { canThink } from "~/api/router";
import { t } from "~/i18n";
import { Dots } from "~/ui/Dots";
import { seconds } from "~/ui/time";
import type { Finished } from "./state/model";

/** How the answer was made, in one quiet line: by whom, how hard, what was taken away, how long it took. */
export function MadeHow({ finished, model }: { finished: Finished | null; model: string | null }) {
  const routed = finished?.routed;
  const took = finished?.seconds;
  if (!routed) {
    return (
      <>
        {model && <span>{model}</span>}
        {took != null && <span className="num">{seconds(took)}</span>}
      </>
    );
  }
  return (
    <span className="after__how" data-testid="made-how">
      <Dots>
        {words(routed.effort, took ?? null)}
        {routed.lowered === "smaller" && t("a smaller model, because many were waiting")}
        {routed.lowered === "effort" && t("with less thinking, because many were waiting")}
        {model}
        {took != null && routed.effort === "fast" && seconds(took)}
      </Dots>
    </span>
  );
}

function words(effort: "fast" | "think", took: number | null): string {
  if (effort === "fast") return t("Answered fast");
  return took === null || took < 1 ? t("Thought first") : t("Thought for {time}", { time: seconds(took) });
}

/** Whether thinking longer would make a difference: not where that was done, and not where nothing can think. */
export function useCouldThink(finished: Finished | null, model: string | null, thoughtful: boolean): boolean {
  const models = useModels();
  if (finished?.reason !== "done") return false;
  if (finished.routed) return finished.routed.effort === "fast";
  return !thoughtful && (canThink(models, null) || canThink(models, model));
}
