import { Check, Copy, RotateCw, ThumbsDown, ThumbsUp } from "lucide-react";
import { t } from "~/i18n";
import { IconButton, TextButton } from "~/ui/Button";
import { seconds } from "~/ui/time";
import { useCopy } from "~/ui/useCopy";
import { BranchSwitch } from "./BranchSwitch";
import { useOpenThread } from "./context";
import { FeedbackButton } from "./Feedback";
import { regenerate } from "./regenerate";
import type { AnswerTurn } from "./state/view";

/** Below an answer: who wrote it and how long that took; then what one can do with it. */
export function After({ turn, last }: { turn: AnswerTurn; last: boolean }) {
  const { store } = useOpenThread();
  const [copied, copy] = useCopy();
  const { node, part } = turn;
  if (!node) return null;
  if (node.text === "" && turn.siblings.ids.length < 2) return null;
  const asked = turn.parent ? store.get().thread.nodes[turn.parent] : undefined;
  const thoughtful = node.reasoning !== "" || (asked?.kind === "user" && asked.effort === "think");
  const model = node.model ?? part?.finished?.model;
  const took = part?.finished?.seconds;
  return (
    <footer className="after">
      <BranchSwitch siblings={turn.siblings} />
      {model && <span>{model}</span>}
      {took != null && <span className="num">{seconds(took)}</span>}
      {last && part?.finished && !thoughtful && part.finished.reason === "done" && (
        <>
          <span className="dot" />
          <TextButton onClick={() => void regenerate(store, turn, "think")}>{t("Think longer")}</TextButton>
        </>
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
