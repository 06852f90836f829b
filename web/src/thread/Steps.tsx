import { Check, ChevronRight, CircleHelp, TriangleAlert } from "lucide-react";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { seconds } from "~/ui/time";
import type { Act } from "./state/model";
import { actLabel } from "./toolWords";

/** One line for all steps: what is done now, or what was done. */
function summary(acts: Act[], going: boolean): string {
  const running = acts.findLast((act) => act.state === "running");
  if (going && running) return actLabel(running);
  const names = [...new Set(acts.map(actLabel))];
  const shown = names.slice(0, 3).map((name, at) => (at === 0 ? name : name.charAt(0).toLowerCase() + name.slice(1)));
  const rest = names.length - shown.length;
  const joined = shown.join(t(", "));
  return rest > 0 ? t("{steps} and {n} more", { steps: joined, n: rest }) : joined;
}

function StateMark({ act, going }: { act: Act; going: boolean }) {
  if (act.state === "running" && !going) return null;
  if (act.state === "running") return <i className="pulse" role="img" aria-label={t("working")} />;
  if (act.state === "failed") return <span className="num step__bad">{t("failed")}</span>;
  if (act.state === "unknown") return <span className="num step__bad">{t("not known whether it happened")}</span>;
  return act.seconds === null ? <Icon of={Check} small /> : <span className="num">{seconds(act.seconds)}</span>;
}

function Detail({ act, going }: { act: Act; going: boolean }) {
  const given = act.arguments && Object.keys(act.arguments).length > 0 ? JSON.stringify(act.arguments, null, 2) : "";
  if (!given && !act.text) {
    return (
      <li>
        <span>{actLabel(act)}</span>
        <StateMark act={act} going={going} />
      </li>
    );
  }
  return (
    <li className="step__more">
      <details>
        <summary>
          <span className="grow">{actLabel(act)}</span>
          <StateMark act={act} going={going} />
        </summary>
        {given && <pre tabIndex={0}>{given}</pre>}
        {act.text && <pre tabIndex={0}>{act.text}</pre>}
      </details>
    </li>
  );
}

/** What was done for an answer: one folded line, each step below it. `waits`: for the person, who sees that elsewhere. */
export function Steps({ acts, going, waits }: { acts: Act[]; going: boolean; waits: boolean }) {
  const bad = acts.some((act) => act.state === "failed");
  const unknown = acts.some((act) => act.state === "unknown");
  const total = acts.reduce((sum, act) => sum + (act.seconds ?? 0), 0);
  return (
    <details className="step" data-testid="steps">
      <summary>
        <Icon of={ChevronRight} small className="chev" />
        <span>{summary(acts, going)}</span>
        {total > 0 && !going && <span className="num desk">· {seconds(total)}</span>}
        {going && !waits && acts.some((act) => act.state === "running") && <i className="pulse" />}
        {unknown ? <Icon of={CircleHelp} small className="step__bad" /> : bad && <Icon of={TriangleAlert} small className="step__bad" />}
      </summary>
      <ol>
        {acts.map((act) => (
          <Detail key={act.call} act={act} going={going} />
        ))}
      </ol>
    </details>
  );
}
