import { Check, Copy, RotateCw, ThumbsDown, ThumbsUp } from "lucide-react";
import { t } from "~/i18n";
import { IconButton, TextButton } from "~/ui/Button";
import { useCopy } from "~/ui/useCopy";
import { BranchSwitch } from "./BranchSwitch";
import { useOpenThread } from "./context";
import { FeedbackButton } from "./Feedback";
import { MadeHow, useCouldThink } from "./MadeHow";
import { regenerate } from "./regenerate";
import type { AnswerTurn } from "./state/view";

/** Below an answer: who wrote it and how long that took; then what one can do with it. */
export function After({ turn, last }: { turn: AnswerTurn; last: boolean }) {
  const { store } = useOpenThread();
  const [copied, copy] = useCopy();
  const { node, part } = turn;
  const asked = turn.parent ? store.get().thread.nodes[turn.parent] : undefined;
  const thoughtful = (node !== null && node.reasoning !== "") || (asked?.kind === "user" && asked.effort === "think");
  const finished = part?.finished ?? null;
  const model = (node?.model || finished?.model) ?? null;
  const couldThink = useCouldThink(finished, model, thoughtful);
  if (!node) return null;
  if (node.text === "" && turn.siblings.ids.length < 2) return null;
  return (
    <footer className="after">
      <BranchSwitch siblings={turn.siblings} />
      <MadeHow finished={finished} model={model} />
      {last && couldThink && (
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
