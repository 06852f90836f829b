import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { IconButton } from "~/ui/Button";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { sentences } from "~/ui/sentences";
import { compact, dayAndMonth, monthOf } from "~/ui/figures";
import { money } from "~/ui/money";
import { Caps } from "./Caps";
import { type Cap, capsQuery, keyNamesQuery, monthQuery, shareOf, threadsUseQuery, type Unit, type UsageMonth } from "./data";
import { DaysPlot, MonthPlot } from "./MonthPlots";
import { byDay, daysOf, dayNumber, likely, monthlyCap, pressing, shifted, unitOf } from "./sums";
import "./usage.css";
import { callsWords, degradedWords, done, ending, pressingWords, title } from "./words";

export function UsagePage() {
  const { month: asked } = useSearch({ from: "/house/usage" });
  const month = useQuery({ ...monthQuery(asked), placeholderData: (before) => before });
  const caps = useQuery(capsQuery);
  const keys = useQuery(keyNamesQuery);
  const names = new Map(keys.data?.map((key) => [key.id, key.name]));
  return (
    <>
      <Bar title={t("Usage")}>{month.data && <MonthSwitch month={month.data} />}</Bar>
      <div className="sheet">
        {month.isPending && (
          <Line>
            <Skeleton />
          </Line>
        )}
        {month.error && (
          <Line>
            <ErrorNote error={month.error} onRetry={() => void month.refetch()} />
          </Line>
        )}
        {month.data && <MonthView month={month.data} caps={caps.data ?? []} names={names} />}
        <Line who={t("Caps")} when={t("you decide")} className="block">
          <ErrorNote error={caps.error} onRetry={() => void caps.refetch()} />
          {caps.isPending ? <Skeleton /> : <Caps caps={caps.data ?? []} keys={keys.data ?? []} unit={month.data ? unitOf(month.data, caps.data ?? []) : "tokens"} currency={month.data?.currency ?? "USD"} />}
        </Line>
        {month.data && <Models month={month.data} unit={unitOf(month.data, caps.data ?? [])} />}
        {month.data && <Conversations month={month.data} unit={unitOf(month.data, caps.data ?? [])} />}
        {month.data && <Changed month={month.data} />}
      </div>
    </>
  );
}

function MonthSwitch({ month }: { month: UsageMonth }) {
  const navigate = useNavigate();
  const go = (to: string) => void navigate({ to: "/usage", search: { month: to } });
  const before = shifted(month.month, -1);
  const after = shifted(month.month, 1);
  const isFirst = !month.first_at || Date.parse(month.first_at) >= Date.parse(month.starts_at);
  const isLast = Date.parse(month.ends_at) > Date.now();
  return (
    <>
      <IconButton icon={ChevronLeft} small label={monthOf(before)} disabled={isFirst} onClick={() => go(before)} />
      <span className="small num month">{monthOf(month.month)}</span>
      <IconButton icon={ChevronRight} small label={monthOf(after)} disabled={isLast} onClick={() => go(after)} />
    </>
  );
}

function MonthView({ month, caps, names }: { month: UsageMonth; caps: readonly Cap[]; names: ReadonlyMap<string, string> }) {
  const unit = unitOf(month, caps);
  const cap = monthlyCap(caps, unit);
  const { all, begun } = daysOf(month);
  const days = byDay(month, unit, all);
  const firstDay = month.first_at && Date.parse(month.first_at) > Date.parse(month.starts_at) ? Math.max(1, dayNumber(month.days[0]?.day ?? "01-01-01")) : 1;
  const found = likely(days, begun, firstDay, cap);
  const name = monthOf(month.month, "long");
  const isNow = Date.parse(month.ends_at) > Date.now();
  const near = isNow ? pressing(caps) : null;
  const press = near && pressingWords(near, names);
  const used = title(month, name, unit, cap);
  // What holds everything back makes a pace meaningless.
  const goesOn = !(near?.hard && near.subject !== "key" && shareOf(near) >= 1);
  const told = [...(press ? [press.told, t("{sentence}.", { sentence: used })] : []), ...done(month, unit), ...(found && goesOn ? [ending(found, month, name, unit, cap)] : [])];
  if (month.total.calls === 0) {
    return <Lead title={used}>{t("When you ask something, this page shows what it took: day by day, and where. Most of it is counted in tokens; a token is about three quarters of a word.")}</Lead>;
  }
  return (
    <>
      <Lead title={press?.title ?? used}>{sentences(told)}</Lead>
      <Line who={t("So far")} when={found ? t("and to come") : undefined} className="line--plot">
        <MonthPlot month={month} unit={unit} days={days} begun={begun} found={found} cap={cap} />
      </Line>
      <Line who={t("Day by day")} className="line--plot">
        <DaysPlot month={month} unit={unit} all={all} names={names} />
      </Line>
    </>
  );
}

const MODELS_SHOWN = 6;

function Models({ month, unit }: { month: UsageMonth; unit: Unit }) {
  if (month.models.length === 0) return null;
  return (
    <Line who={t("Who answered")} className="block">
      <ul className="uses">
        {month.models.slice(0, MODELS_SHOWN).map((each) => (
          <li key={each.model}>
            <p>
              {each.model}
              <br />
              <small>{t("{calls}, {read} tokens read, {wrote} written", { calls: callsWords(each.calls), read: compact(each.input_tokens), wrote: compact(each.output_tokens) })}</small>
            </p>
            <span className="num">{unit === "money" ? money(Number(each.cost) * 1_000_000, month.currency) : compact(each.input_tokens + each.output_tokens)}</span>
          </li>
        ))}
      </ul>
    </Line>
  );
}

/** One's own conversations that took most, by their titles. */
function Conversations({ month, unit }: { month: UsageMonth; unit: Unit }) {
  const { data, error, refetch } = useQuery(threadsUseQuery(month.month));
  if (data?.items.length === 0 || (!data && !error)) return null;
  return (
    <Line who={unit === "money" ? t("What cost most") : t("What took most")} className="block">
      <ErrorNote error={error} onRetry={() => void refetch()} />
      <ul className="uses">
        {data?.items.map((use, place) => (
          <li key={use.thread ?? place} data-testid="used-by">
            <p>
              {use.thread ? (
                <Link className="textbtn" to="/t/$thread" params={{ thread: use.thread }}>
                  {use.title || t("Untitled page")}
                </Link>
              ) : (
                <span className="muted">{t("A page that is gone, temporary or in another space")}</span>
              )}
              <br />
              <small>{t("{calls}, {read} tokens read, {wrote} written", { calls: callsWords(use.calls), read: compact(use.input_tokens), wrote: compact(use.output_tokens) })}</small>
            </p>
            <span className="num">{unit === "money" ? money(Number(use.cost) * 1_000_000, data.currency) : compact(use.input_tokens + use.output_tokens)}</span>
          </li>
        ))}
      </ul>
      {data && data.conversations > data.items.length && <p className="help">{t("The {some} that took most of {all}.", { some: data.items.length, all: data.conversations })}</p>}
    </Line>
  );
}

function Changed({ month }: { month: UsageMonth }) {
  const others = t("What others pay never changes an answer here.");
  return (
    <Line who={t("What changed an answer")} className="block">
      <ul className="uses">
        {month.degraded.map((call) => (
          <li key={call.id} data-testid="degraded">
            <p>
              {degradedWords(call)}
              <br />
              <small>{dayAndMonth(call.at)}</small>
            </p>
          </li>
        ))}
        <li>
          <p className="muted">
            {sentences([month.degraded.length > 0 ? t("Nothing else.") : t("Nothing."), others])}
          </p>
        </li>
      </ul>
    </Line>
  );
}
