import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { Button } from "~/ui/Button";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import "./budgets.css";
import { BudgetDialog } from "./BudgetDialog";
import { BudgetList, EachPersonRow } from "./BudgetList";
import { type Budget, type EachPerson, listQuery, overviewQuery, personQuery } from "./data";
import { budgetName, finding, findingOf, findingOfKey } from "./words";

export function BudgetsPage() {
  const { subject } = useSearch({ from: "/house/admin/budgets" });
  const [open, setOpen] = useState<Budget | EachPerson | "new" | null>(null);
  const overview = useQuery(overviewQuery);
  const { data: person } = useQuery({ ...personQuery(subject ?? ""), enabled: subject?.startsWith("prs_") ?? false });
  const named = person ? { id: person.id, name: person.name || person.email } : null;
  return (
    <>
      <Bar title={t("Budgets")}>
        <Button small kind="main" disabled={!overview.data} onClick={() => setOpen("new")}>
          {t("Set a budget")}
        </Button>
      </Bar>
      <div className="sheet">
        <ErrorNote error={overview.error} onRetry={() => void overview.refetch()} />
        {overview.isPending && (
          <Line>
            <Skeleton />
          </Line>
        )}
        {subject ? <OfSubject key={subject} subject={subject} name={named?.name ?? null} onOpen={setOpen} /> : overview.data && <All each={overview.data.each_person} title={finding(overview.data)} onOpen={setOpen} />}
      </div>
      {open && overview.data && <BudgetDialog budget={open === "new" ? null : open} person={named} unit={overview.data.each_person[0]?.unit ?? "tokens"} currency={overview.data.currency} onClose={() => setOpen(null)} />}
    </>
  );
}

interface AllProps {
  each: EachPerson[];
  title: string;
  onOpen: (budget: Budget | EachPerson) => void;
}

function All({ each, title, onOpen }: AllProps) {
  return (
    <>
      <Lead title={title}>{t("What goes over a budget is refused before anything is sent, unless it only counts. The built-in model is in none of them: it costs nothing.")}</Lead>
      <Line who={t("Each person")} className="block">
        {each.length === 0 && <p className="caps__none">{t("There is no budget that all have. With one, each person may use so much, and whoever needs more gets a budget of their own.")}</p>}
        <div className="caps">
          {each.map((cap) => (
            <EachPersonRow key={cap.id} cap={cap} onOpen={() => onOpen(cap)} />
          ))}
        </div>
      </Line>
      <BudgetList who={t("People")} wanted={{ kind: "person" }} none={t("Nobody has a budget of their own. What is set for one person takes the place of what each has.")} onOpen={onOpen} />
      <BudgetList who={t("Keys")} wanted={{ kind: "key" }} onOpen={onOpen} />
      <BudgetList who={t("Organisations")} wanted={{ kind: "organisation" }} onOpen={onOpen} />
    </>
  );
}

interface OfSubjectProps {
  subject: string;
  /** Of a person who is there. */
  name: string | null;
  onOpen: (budget: Budget) => void;
}

function OfSubject({ subject, name, onOpen }: OfSubjectProps) {
  const list = useInfiniteQuery(listQuery({ subject }));
  const budgets = list.data?.pages.flatMap((page) => page.items);
  const first = budgets?.[0];
  const title = first?.subject === "key" && subject.startsWith("key_") ? findingOfKey(first.name ?? t("gone"), budgets ?? []) : findingOf(name ?? (first ? budgetName(first) : t("Somebody who is gone")), budgets ?? []);
  return (
    <>
      {budgets && (
        <Lead title={title}>
          {t("This is what holds for them, with what they spent of it.")}{" "}
          <Link className="textbtn" to="/admin/budgets">
            {t("Show all budgets")}
          </Link>
        </Lead>
      )}
      <BudgetList who={t("Budgets")} wanted={{ subject }} none={t("No budget. Nothing that is asked is held back.")} onOpen={onOpen} />
    </>
  );
}
