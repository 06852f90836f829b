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
        {takenWords(routed)}
        {model}
        {took !== null && routed.effort === "fast" && seconds(took)}
      </Dots>
    </span>
  );
}

/** What was taken away, in one piece; null: nothing. */
function takenWords({ lowered, lighter = [] }: Routed): string | null {
  const taken = [
    ...(lowered === "smaller" ? [t("a smaller model")] : lowered === "effort" ? [t("with less thinking")] : []),
    ...(lighter.includes("tools") ? [t("without some tools")] : []),
    ...(lighter.includes("context") ? [t("without what was said long ago")] : []),
  ];
  return taken.length > 0 ? t("{what}, because many were waiting", { what: taken.join(t(", ")) }) : null;
}

function words(effort: "fast" | "think", took: number | null): string {
  if (effort === "fast") return t("Answered fast");
  return took === null || took < 1 ? t("Thought first") : t("Thought for {time}", { time: seconds(took) });
}
