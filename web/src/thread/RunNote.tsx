import { RotateCw, TriangleAlert } from "lucide-react";
import { Link } from "@tanstack/react-router";
import { mayOperate, usePerson } from "~/api/client";
import { t } from "~/i18n";
import { ProblemText } from "~/problems/ProblemText";
import { Button } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { useOpenThread } from "./context";
import { regenerate } from "./regenerate";
import type { AnswerTurn } from "./state/view";

function limitWords(limit: string | null): string {
  switch (limit) {
    case "rounds":
      return t("I stopped here: this took more steps than one answer may take.");
    case "time":
      return t("I stopped here: this took longer than one answer may take.");
    case "tokens":
    case "size":
      return t("I stopped here: this became longer than one answer may be.");
    default:
      return t("I stopped here at a limit.");
  }
}

/** How a run ended, where it did not simply end: stopped, at a limit, failed. */
export default function RunNote({ turn, last }: { turn: AnswerTurn; last: boolean }) {
  const { store } = useOpenThread();
  const person = usePerson();
  const finished = turn.part?.finished;
  if (!finished || finished.reason === "done") return null;
  const again = last && (
    <Button small icon={RotateCw} onClick={() => void regenerate(store, turn)}>
      {t("Try again")}
    </Button>
  );
  if (finished.reason === "stopped") {
    return (
      <p className="ended" data-testid="run-stopped">
        <span className="muted">{t("You stopped me here.")}</span> {again}
      </p>
    );
  }
  if (finished.reason === "limit") {
    return (
      <p className="ended" data-testid="run-limit">
        <span className="muted">{limitWords(finished.limit)}</span> {again}
      </p>
    );
  }
  return (
    <div className="notice notice--bad" role="alert" data-testid="run-failed">
      <Icon of={TriangleAlert} />
      <p className="grow">
        {finished.error ? <ProblemText problem={finished.error} /> : t("I could not finish this answer.")}
      </p>
      {finished.error?.code.startsWith("models.") && mayOperate(person) && (
        <Link className="btn btn--s" to="/admin/models">
          {t("Look at the models")}
        </Link>
      )}
      {again}
    </div>
  );
}
