import { lazy, Suspense } from "react";
import type { WaitingHint } from "~/api/events";
import { t } from "~/i18n";
import { After } from "./After";
import { RunningNote } from "./RunningNote";
import { Steps } from "./Steps";
import { Thinking } from "./Thinking";
import { Side } from "./Said";
import { isGoing } from "./state/model";
import type { AnswerTurn } from "./state/view";

const Markdown = lazy(() => import("~/markdown/Markdown"));
// Most answers wait for nobody, and end well.
const WaitCard = lazy(() => import("./WaitCard"));
const RunNote = lazy(() => import("./RunNote"));

/** The text as it is, until the part that renders it has arrived. */
function Plain({ text }: { text: string }) {
  return <div className="prose prose--plain">{text}</div>;
}

export function AnswerTurnView({ turn, hint, last }: { turn: AnswerTurn; hint: WaitingHint | null; last: boolean }) {
  const { node, part, live } = turn;
  const text = node?.text ?? live?.text ?? part?.steps.filter((step) => step.trim()).join("\n\n") ?? "";
  const reasoning = node?.reasoning || live?.reasoning || "";
  const going = part !== null && isGoing(part);
  const open = going ? part.waits.filter((wait) => wait.answer === null) : [];
  const closed = part?.waits.filter((wait) => wait.answer !== null || !going) ?? [];
  return (
    <article className="msg msg--ai line" id={node?.id} aria-label="Mecum" data-testid="answer" data-state={going ? "running" : (part?.finished?.reason ?? "done")}>
      <Side who="Mecum" at={node?.at ?? part?.at} />
      <div>
        {reasoning && <Thinking text={reasoning} going={going && text === ""} />}
        {part && part.acts.length > 0 && <Steps acts={part.acts} going={going} waits={open.length > 0} />}
        <Suspense>
          {closed.map((wait) => (
            <WaitCard key={wait.id} wait={wait} over />
          ))}
        </Suspense>
        {node?.erased && <p className="muted">{t("This answer was erased.")}</p>}
        {text && (
          <Suspense fallback={<Plain text={text} />}>
            <Markdown text={text} going={going} />
          </Suspense>
        )}
        <Suspense>
          {open.map((wait) => (
            <WaitCard key={wait.id} wait={wait} />
          ))}
        </Suspense>
        {going && open.length === 0 && <RunningNote hint={hint} quiet={text !== "" || part.acts.some((act) => act.state === "running")} />}
        <Suspense>{part?.finished && part.finished.reason !== "done" && <RunNote turn={turn} last={last} />}</Suspense>
        {node && !node.erased && <After turn={turn} last={last} />}
      </div>
    </article>
  );
}
