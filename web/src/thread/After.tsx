import { Check, Copy, RotateCw, ThumbsDown, ThumbsUp } from "lucide-react";
import { lazy, Suspense } from "react";
import { t } from "~/i18n";
import { IconButton, TextButton } from "~/ui/Button";
import { seconds } from "~/ui/time";
import { useCopy } from "~/ui/useCopy";
import { BranchSwitch } from "./BranchSwitch";
import { useOpenThread } from "./context";
import { FeedbackButton } from "./Feedback";
import { regenerate } from "./regenerate";
import type { AnswerTurn } from "./state/view";

// Only where somebody chose how an answer is made.
const MadeHow = lazy(() => import("./MadeHow"));

/** Below an answer: who wrote it and how long that took; then what one can do with it. */
export function After({ turn, last }: { turn: AnswerTurn; last: boolean }) {
  const { store } = useOpenThread();
  const [copied, copy] = useCopy();
  const { node, part } = turn;
  const finished = part?.finished ?? null;
  const model = (node?.model || finished?.model) ?? null;
  if (!node) return null;
  if (node.text === "" && turn.siblings.ids.length < 2) return null;
  return (
    <footer className="after">
      <BranchSwitch siblings={turn.siblings} />
      {finished?.routed ? (
        <Suspense>
          <MadeHow routed={finished.routed} model={model} took={finished.seconds} />
        </Suspense>
      ) : (
        <>
          {model && <span>{model}</span>}
          {finished?.seconds != null && <span className="num">{seconds(finished.seconds)}</span>}
        </>
      )}
      {last && finished?.reason === "done" && finished.routed?.effort === "fast" && (
        <TextButton onClick={() => void regenerate(store, turn, "think")}>{t("Think longer")}</TextButton>
      )}
      {node.text !== "" && (
        <span className="after__tools">
          <IconButton small icon={copied ? Check : Copy} label={copied ? t("Copied") : t("Copy answer")} onClick={() => copy(node.text)} />
          <IconButton small icon={RotateCw} label={t("Answer again")} onClick={() => void regenerate(store, turn)} />
          <FeedbackButton icon={ThumbsUp} value="up" label={t("Good answer")} node={node} />
          <FeedbackButton icon={ThumbsDown} value="down" label={t("Poor answer")} node={node} />
        </span>
      )}
    </footer>
  );
}
