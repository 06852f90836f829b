import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dots } from "~/ui/Dots";
import { Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { CapRow } from "~/usage/CapRow";
import { capAmount } from "~/usage/words";
import { type Budget, type EachPerson, type Kind, listQuery } from "./data";
import { budgetName, noteWords, unattributedWords, usedUpWords } from "./words";

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
          <BudgetRow key={budget.id} budget={budget} isListed={!wanted.subject} onOpen={() => onOpen(budget)} />
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

function BudgetRow({ budget, isListed, onOpen }: { budget: Budget; isListed: boolean; onOpen: () => void }) {
  const name = budgetName(budget);
  // What a person set for themselves is theirs to change; what each has is not changed where one of them is looked at.
  const mayChange = budget.set_by === "operator" && budget.subject !== "each_person";
  const { person } = budget;
  return (
    <CapRow
      cap={budget}
      name={name}
      note={<Notes budget={budget} person={isListed && budget.subject === "person" ? (person?.id ?? null) : null} />}
      verb={t("Change the budget: {name}", { name })}
      onChange={mayChange ? onOpen : undefined}
    />
  );
}

/** What there is to say of it; `person`: whose whole list a link leads to. */
function Notes({ budget, person }: { budget: Budget | EachPerson; person: string | null }) {
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
      {lost && <span className="cap__lost">{lost}</span>}
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
