import type { Routed } from "~/api/events";
import { t } from "~/i18n";
import { Dots } from "~/ui/Dots";
import { seconds } from "~/ui/time";

/** How the answer was made, in one quiet line: how hard, what was taken away, by whom, how long it took. */
export default function MadeHow({ routed, model, took }: { routed: Routed; model: string | null; took: number | null }) {
  return (
    <span data-testid="made-how">
      <Dots>
        {words(routed.effort, took)}
        {routed.lowered === "smaller" && t("a smaller model, because many were waiting")}
        {routed.lowered === "effort" && t("with less thinking, because many were waiting")}
        {routed.lighter?.includes("context") && t("without what was said long ago, because many were waiting")}
        {routed.lighter?.includes("tools") && t("without some tools, because many were waiting")}
        {model}
        {took !== null && routed.effort === "fast" && seconds(took)}
      </Dots>
    </span>
  );
}

function words(effort: "fast" | "think", took: number | null): string {
  if (effort === "fast") return t("Answered fast");
  return took === null || took < 1 ? t("Thought first") : t("Thought for {time}", { time: seconds(took) });
}
