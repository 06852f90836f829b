import { CircleHelp, ListChecks } from "lucide-react";
import type { Choice } from "~/api/events";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { useOpenThread } from "./context";
import { SchemaForm } from "./SchemaForm";
import type { Wait } from "./state/model";
import { askTitle } from "./toolWords";

/** Answers of equal weight; none is recommended. */
function choicesOf(wait: Wait): Choice[] {
  if (wait.question.choices) return wait.question.choices;
  switch (wait.kind) {
    case "confirm":
      return [
        { value: "yes", label: t("Yes, do it") },
        { value: "no", label: t("No") },
      ];
    case "consent":
      return [
        { value: "once", label: t("Once") },
        { value: "always", label: t("Always") },
        { value: "no", label: t("No") },
      ];
    case "unknown_act":
      return [
        { value: "done", label: t("It happened") },
        { value: "again", label: t("Do it again") },
        { value: "leave", label: t("Leave it") },
      ];
    default:
      return [];
  }
}

function titleOf(wait: Wait): string {
  const { title, tool } = wait.question;
  if (title) return title;
  if (wait.kind === "unknown_act") return t("Did this happen?");
  return tool ? askTitle(tool) : t("A question for you");
}

function noteOf(wait: Wait): string {
  switch (wait.kind) {
    case "confirm":
      return t("Nothing has happened yet. You decide.");
    case "consent":
      return t("I ask for you. Nothing has been sent yet.");
    case "unknown_act":
      return t("The line broke while I did this. I don’t do it twice without asking.");
    case "lent_tool":
      return t("The program that asked does this step. It goes on when that answers.");
    default:
      return t("I need this to go on.");
  }
}

function shown(value: unknown): string {
  if (typeof value === "boolean") return value ? t("yes") : t("no");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What would be done, with which values. */
function Facts({ wait }: { wait: Wait }) {
  const { receiver, arguments: values } = wait.question;
  const all = Object.entries(values ?? {});
  if (!receiver && all.length === 0) return null;
  return (
    <dl className="facts">
      {receiver && (
        <>
          <dt>{t("Goes to")}</dt>
          <dd>{receiver}</dd>
        </>
      )}
      {all.map(([name, value]) => (
        <div key={name} className="facts__row">
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd>{shown(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Answered({ wait }: { wait: Wait }) {
  const answer = wait.answer;
  const values = (answer?.values as Record<string, unknown> | undefined) ?? answer ?? {};
  const labels = Object.values(values).map((value) => choicesOf(wait).find((choice) => choice.value === value)?.label ?? shown(value));
  const words = !answer || answer.dismissed ? t("not answered") : labels.join(t(", "));
  return (
    <p className="answered" data-testid="wait-answered">
      <span className="muted">{titleOf(wait)}</span> {words}
    </p>
  );
}

/** Something that the run can't go on without: a question, a confirmation, an act whose outcome is not known. */
export default function WaitCard({ wait, over = false }: { wait: Wait; over?: boolean }) {
  const { store } = useOpenThread();
  const { busy, error, run } = useAction();
  if (wait.answer !== null || over) return <Answered wait={wait} />;
  const give = (answer: Record<string, unknown>) => void run(() => api.post(`/threads/${store.id}/waits/${wait.id}`, { answer }));
  const { text, schema } = wait.question;
  const choices = choicesOf(wait);
  const title = titleOf(wait);
  return (
    <section className="card card--ask ask" aria-label={t("A question for you")} data-testid={`wait-${wait.kind}`}>
      <header className="card__who">
        <span className="ask__mark">
          <Icon of={wait.kind === "unknown_act" ? CircleHelp : ListChecks} />
        </span>
        <div className="card__name grow">
          <b>{title}</b>
          <br />
          <small>{noteOf(wait)}</small>
        </div>
      </header>
      {text && <p className="card__what ask__text">{text}</p>}
      <Facts wait={wait} />
      <ErrorNote error={error} />
      {choices.length > 0 ? (
        <div className="choices" role="group" aria-label={title}>
          {choices.map((choice) => (
            <Button key={choice.value} disabled={busy} onClick={() => give({ decision: choice.value })}>
              {choice.label}
            </Button>
          ))}
        </div>
      ) : (
        wait.kind === "form" && schema && <SchemaForm schema={schema} busy={busy} onSubmit={(values) => give({ values })} />
      )}
    </section>
  );
}
