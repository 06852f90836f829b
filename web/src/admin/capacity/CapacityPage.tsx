import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { Seg } from "~/ui/Field";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { sentences } from "~/ui/sentences";
import "./capacity.css";
import { type History, historyQuery, type Look, lookQuery, type Span } from "./data";
import { ModelTotals } from "./ModelTotals";
import { Plots } from "./Plots";
import { Pools } from "./Pools";
import { Waits } from "./Waits";
import { advice, finding, overBudget, whereSeen } from "./words";

export function CapacityPage() {
  const [span, setSpan] = useState<Span>("hour");
  const look = useQuery(lookQuery);
  const history = useQuery({ ...historyQuery(span), placeholderData: (before) => before });
  return (
    <>
      <Bar title={t("Capacity")}>
        <span className="live">
          <i className={`pulse ${look.isError ? "pulse--ask" : ""}`} />
          <span>{look.isError ? t("not live") : t("live")}</span>
        </span>
        <Seg
          legend={t("How far back")}
          value={span}
          onChange={setSpan}
          options={[
            { value: "hour", label: t("Hour") },
            { value: "day", label: t("Day") },
            { value: "week", label: t("Week") },
          ]}
        />
      </Bar>
      <div className="desk-sheet">
        {look.isPending && <Skeleton />}
        <ErrorNote error={look.error} onRetry={() => void look.refetch()} />
        {look.data && <Finding look={look.data} />}
        <ErrorNote error={history.error} onRetry={() => void history.refetch()} />
        {history.data && look.data && (look.data.pools.length > 0 || span !== "hour") && <Plots history={history.data} pools={look.data.pools} />}
        {look.data && look.data.pools.length > 0 && <Pools look={look.data} />}
        {look.data && look.data.waits.length > 0 && <Waits look={look.data} />}
        {look.data && <Advice look={look.data} />}
        {history.data && <OverBudget history={history.data} />}
        {history.data && history.data.models.length > 0 && <ModelTotals history={history.data} />}
        <p className="small muted desk-sheet__note">{sentences([...(look.data ? whereSeen(look.data) : []), t("You see load and the names of who waits, never what anybody writes.")])}</p>
      </div>
    </>
  );
}

function Finding({ look }: { look: Look }) {
  return (
    <div className="sum">
      <h1>{sentences(finding(look))}</h1>
      {look.pools.length === 0 && (
        <Link className="btn btn--s" to="/admin/models" search={{ connect: true }}>
          {t("Connect a model")}
        </Link>
      )}
    </div>
  );
}

/** More room would not have helped those. */
function OverBudget({ history }: { history: History }) {
  if (!history.over_budget) return null;
  return (
    <section className="desk-block advice" aria-labelledby="over-budget">
      <div>
        <h2 id="over-budget">{t("Over a budget")}</h2>
        <p>{sentences([overBudget(history.over_budget), t("That is part of what was not let in, and another account would not change it.")])}</p>
      </div>
      <Link className="btn" to="/admin/budgets">
        {t("Open the budgets")}
      </Link>
    </section>
  );
}

function Advice({ look }: { look: Look }) {
  const told = advice(look);
  if (told.length === 0) return null;
  return (
    <section className="desk-block advice" aria-labelledby="would-help">
      <div>
        <h2 id="would-help">{t("What would help")}</h2>
        {told.map((words) => (
          <p key={words}>{words}</p>
        ))}
      </div>
      <Link className="btn" to="/admin/models">
        {t("Open the models")}
      </Link>
    </section>
  );
}
