import { type ChangeEvent, useState } from "react";
import { api } from "~/api/http";
import type { PriceChange, PriceFileResult } from "~/api/types";
import { t } from "~/i18n";
import { ProblemText } from "~/problems/ProblemText";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { refreshPrices } from "./data";
import { priceWords } from "./words";

const TAKES = new Set<PriceChange["change"]>(["new", "changed"]);

const NOTES: Record<PriceChange["change"], () => string> = {
  new: () => t("new"),
  changed: () => t("changed"),
  same: () => t("stays"),
  unknown: () => t("no such model"),
  currency: () => t("another currency"),
  malformed: () => t("not a price"),
};

function Change({ change, currency }: { change: PriceChange; currency: string }) {
  const takes = TAKES.has(change.change);
  return (
    <li>
      <span className="grow">
        <b>{change.model ?? change.line}</b>
        <small>
          {change.problem ? <ProblemText problem={change.problem} /> : change.after && priceWords(change.after, currency)}
          {change.change === "changed" && change.before && <> {t("(until now {price})", { price: priceWords(change.before, currency) })}</>}
        </small>
      </span>
      <span className={`tag tag--box ${takes ? "tag--accent" : ""}`}>{NOTES[change.change]()}</span>
    </li>
  );
}

/** A price file: first what it would change, then it does. */
export default function PriceFile({ onDone }: { onDone: () => void }) {
  const [file, setFile] = useState<{ format: "csv" | "json"; text: string } | null>(null);
  const [since, setSince] = useState("");
  const [found, setFound] = useState<PriceFileResult | null>(null);
  const look = useAction();
  const save = useAction();
  const count = found?.changes.filter((change) => TAKES.has(change.change)).length ?? 0;

  function choose(event: ChangeEvent<HTMLInputElement>) {
    const chosen = event.target.files?.[0];
    setFound(null);
    if (!chosen) return;
    void look.run(async () => {
      const read = { format: chosen.name.toLowerCase().endsWith(".json") ? ("json" as const) : ("csv" as const), text: await chosen.text() };
      setFile(read);
      setFound(await api.post<PriceFileResult>("/prices/file", read));
    });
  }

  async function take() {
    const done = await save.run(async () => {
      await api.post("/prices/file", { ...file, apply: true, ...(since ? { since: new Date(since).toISOString() } : {}) });
      await refreshPrices();
      toast(t("{n, plural, one {# price is stated.} other {# prices are stated.}}", { n: count }));
    });
    if (done) onDone();
  }

  return (
    <div className="form form--wide">
      <p>{t("A CSV or JSON file with one line per model. An exported one shows how; a model is found by its name here, or by its provider’s.")}</p>
      <Field label={t("Price file")} type="file" accept=".csv,.json,text/csv,application/json" onChange={choose} />
      <ErrorNote error={look.error} />
      {found && (
        <>
          <ul className="rows" aria-label={t("What would change")}>
            {found.changes.map((change) => (
              <Change key={change.model ?? change.line} change={change} currency={found.currency} />
            ))}
          </ul>
          {found.changes.length === 0 && <p className="muted">{t("There is no line with a model in it.")}</p>}
          {count > 0 && <Field label={t("From")} type="datetime-local" value={since} onChange={(event) => setSince(event.target.value)} help={t("Leave it empty for now. What was used before keeps its price.")} />}
          <ErrorNote error={save.error} />
          <div className="form__do">
            <Button kind="main" busy={save.busy} disabled={count === 0} onClick={() => void take()}>
              {count === 0 ? t("Nothing to change") : t("Take over {n, plural, one {# price} other {# prices}}", { n: count })}
            </Button>
          </div>
        </>
      )}
    </div>
  );
}
