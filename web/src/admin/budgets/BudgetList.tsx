import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { Dots } from "~/ui/Dots";
import { Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { CapRow } from "~/usage/CapRow";
import { capAmount } from "~/usage/words";
import { type Budget, type EachPerson, giveBack, type Kind, listQuery } from "./data";
import { budgetName, givingBackWords, noteWords, unattributedWords, usedUpWords } from "./words";

interface BudgetListProps {
  who: string;
  wanted: { kind?: Kind; subject?: string };
  /** Said of an empty list; one without words is left out. */
  none?: string;
  onOpen: (budget: Budget) => void;
}

/** Budgets page by page. */
export function BudgetList({ who, wanted, none, onOpen }: BudgetListProps) {
  const list = useInfiniteQuery(listQuery(wanted));
  const budgets = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (list.data && budgets.length === 0 && !none) return null;
  return (
    <Line who={who} className="block">
      {list.isPending && <Skeleton />}
      <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      {list.data && budgets.length === 0 && <p className="caps__none">{none}</p>}
      <div className="caps">
        {budgets.map((budget) => (
          <BudgetRow key={budget.id} budget={budget} subject={wanted.subject} onOpen={() => onOpen(budget)} />
        ))}
      </div>
      {list.hasNextPage && (
        <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </Line>
  );
}

interface BudgetRowProps {
  budget: Budget;
  /** Whose budgets are listed; undefined: everybody's. */
  subject: string | undefined;
  onOpen: () => void;
}

function BudgetRow({ budget, subject, onOpen }: BudgetRowProps) {
  const name = budgetName(budget);
  // What a person set for themselves is theirs to change; what each has is not changed where one of them is looked at.
  const mayChange = budget.set_by === "operator" && budget.subject !== "each_person";
  const { person } = budget;
  return (
    <CapRow
      cap={budget}
      name={name}
      note={<Notes budget={budget} person={!subject && budget.subject === "person" ? (person?.id ?? null) : null} partOf={budget.subject === "each_person" ? subject : undefined} />}
      verb={t("Change the budget: {name}", { name })}
      onChange={mayChange ? onOpen : undefined}
    />
  );
}

interface NotesProps {
  budget: Budget | EachPerson;
  /** Whose whole list a link leads to. */
  person: string | null;
  /** Of whom alone what each person has is told. */
  partOf?: string | undefined;
}

/** What there is to say of it. */
function Notes({ budget, person, partOf }: NotesProps) {
  const lost = unattributedWords(budget);
  return (
    <>
      <Dots>
        {noteWords(budget).map((words) => (
          <span key={words}>{words}</span>
        ))}
        {person && (
          <Link className="textbtn" to="/admin/budgets" search={{ subject: person }}>
            {t("all that hold for them")}
          </Link>
        )}
      </Dots>
      {lost && (
        <span className="cap__lost">
          {lost} <GivingBack budget={budget} partOf={partOf} />
        </span>
      )}
    </>
  );
}

/** Somebody knows better than the server what became of calls that it lost. */
function GivingBack({ budget, partOf }: Pick<NotesProps, "budget" | "partOf">) {
  const [asked, setAsked] = useState(false);
  const amount = capAmount(budget, budget.unattributed);
  return (
    <>
      <button type="button" className="textbtn" onClick={() => setAsked(true)}>
        {t("Give it back")}
      </button>
      <Confirm open={asked} onClose={() => setAsked(false)} title={t("Give back {amount}?", { amount })} text={givingBackWords(budget, partOf)} verb={t("Give back")} onConfirm={() => giveBack(budget, partOf)} />
    </>
  );
}

export function EachPersonRow({ cap, onOpen }: { cap: EachPerson; onOpen: () => void }) {
  return (
    <CapRow
      cap={cap}
      name={capAmount(cap, cap.amount)}
      note={<Notes budget={cap} person={null} />}
      verb={t("Change the budget: {name}", { name: t("What each person has") })}
      onChange={onOpen}
      instead={<small className="num">{usedUpWords(cap)}</small>}
    />
  );
}
