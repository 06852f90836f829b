import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { ApiKey } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dialog } from "~/ui/Dialog";
import { Field, Seg, Select, SwitchLine } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { type Cap, type Period, refreshCaps, type Unit } from "./data";
import { roundedWords } from "./words";
import { number } from "~/ui/time";

interface CapDialogProps {
  /** Null: a new one. */
  cap: Cap | null;
  name: string;
  keys: readonly ApiKey[];
  unit: Unit;
  currency: string;
  onClose: () => void;
}

const PATTERN: Record<Unit, string> = { money: "[0-9]+([.][0-9]{1,6})?", tokens: "[0-9]+" };

/** Sets, changes or takes away a cap of one's own. */
export function CapDialog({ cap, name, keys, unit: usual, currency, onClose }: CapDialogProps) {
  const [key, setKey] = useState("");
  const [unit, setUnit] = useState<Unit>(cap?.unit ?? usual);
  const [period, setPeriod] = useState<Period>(cap?.period ?? "month");
  const [amount, setAmount] = useState(cap ? String(cap.amount) : "");
  const [hard, setHard] = useState(cap?.hard ?? true);
  const { busy, error, run } = useAction();

  async function finish(action: () => Promise<unknown>) {
    const isDone = await run(async () => {
      await action();
      await refreshCaps();
    });
    if (isDone) onClose();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    const given = unit === "money" ? amount.trim() : Number(amount);
    void finish(() => (cap ? api.patch(`/usage/budgets/${cap.id}`, { amount: given, hard }) : api.post("/usage/budgets", { ...(key ? { key } : {}), unit, amount: given, period, hard })));
  }
  const tokens = unit === "tokens" && /^[0-9]+$/.test(amount) ? t("About {n} words read and written.", { n: number(roundedWords(Number(amount))) }) : t("A token is about three quarters of a word.");
  return (
    <Dialog open onClose={onClose} title={cap ? t("Change the cap on {name}", { name }) : t("Set a cap")}>
      <form className="form form--dialog" onSubmit={submit}>
        {!cap && (
          <>
            {keys.length > 0 && (
              <Select label={t("On what")} value={key} onChange={(event) => setKey(event.target.value)}>
                <option value="">{t("Everything")}</option>
                {keys.map((each) => (
                  <option key={each.id} value={each.id}>
                    {t("Key “{name}”", { name: each.name })}
                  </option>
                ))}
              </Select>
            )}
            <div className="cap__choices">
              <Seg legend={t("Counted in")} value={unit} onChange={setUnit} options={[{ value: "money", label: t("Money") }, { value: "tokens", label: t("Tokens") }]} />
              <Seg legend={t("How long it lasts")} value={period} onChange={setPeriod} options={[{ value: "day", label: t("A day") }, { value: "week", label: t("A week") }, { value: "month", label: t("A month") }]} />
            </div>
          </>
        )}
        <Field
          label={unit === "money" ? t("At most, in {currency}", { currency }) : t("At most, in tokens")}
          inputMode={unit === "money" ? "decimal" : "numeric"}
          pattern={PATTERN[unit]}
          placeholder={unit === "money" ? "12.00" : "1000000"}
          required
          autoFocus
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
          help={unit === "tokens" ? tokens : undefined}
        />
        <SwitchLine label={t("Hold back what goes over it")} help={t("Otherwise it is only counted.")} checked={hard} onChange={setHard} />
        <ErrorNote error={error} />
        <div className="dialog__do">
          {cap && (
            <Button kind="danger" busy={busy} onClick={() => void finish(() => api.delete(`/usage/budgets/${cap.id}`))}>
              {t("Remove the cap")}
            </Button>
          )}
          <Button onClick={onClose}>{t("Cancel")}</Button>
          <Button kind="main" type="submit" busy={busy}>
            {t("Save")}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
