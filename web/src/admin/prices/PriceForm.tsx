import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Amounts, Price } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { refreshPrices } from "./data";
import { KINDS, kindName } from "./words";

interface PriceFormProps {
  model: string;
  currency: string;
  before: Price | null;
  onDone: () => void;
}

const AMOUNT = "[0-9]+([.][0-9]{1,6})?";

/** States a price: from now, or from a moment that is still to come. */
export function PriceForm({ model, currency, before, onDone }: PriceFormProps) {
  const [amounts, setAmounts] = useState<Partial<Amounts>>(before ?? {});
  const [since, setSince] = useState("");
  const { busy, error, run } = useAction();

  async function submit(event: FormEvent) {
    event.preventDefault();
    const stated = Object.fromEntries(KINDS.flatMap((kind) => (amounts[kind]?.trim() ? [[kind, amounts[kind].trim()]] : [])));
    const done = await run(async () => {
      await api.post(`/models/${model}/prices`, { ...stated, ...(since ? { since: new Date(since).toISOString() } : {}) });
      await refreshPrices();
    });
    if (done) onDone();
  }
  return (
    <form className="form form--wide" onSubmit={submit}>
      <p className="muted">{t("In {currency}, per million tokens. What is left empty costs as much as that of which it is a part.", { currency })}</p>
      <div className="pair pair--tight">
        {KINDS.map((kind) => (
          <Field
            key={kind}
            label={kindName(kind)}
            inputMode="decimal"
            pattern={AMOUNT}
            required={kind === "input" || kind === "output"}
            placeholder="0.00"
            value={amounts[kind] ?? ""}
            onChange={(event) => setAmounts({ ...amounts, [kind]: event.target.value })}
          />
        ))}
      </div>
      <Field label={t("From")} type="datetime-local" value={since} onChange={(event) => setSince(event.target.value)} help={t("Leave it empty for now. What was used before keeps its price.")} />
      <ErrorNote error={error} />
      <div className="form__do">
        <Button kind="main" type="submit" busy={busy}>
          {t("Save the price")}
        </Button>
        <Button onClick={onDone}>{t("Cancel")}</Button>
      </div>
    </form>
  );
}
