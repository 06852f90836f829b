import { type FormEvent, type ReactNode, useState } from "react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dialog } from "~/ui/Dialog";
import { Field, Seg, SwitchLine } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { number } from "~/ui/time";
import { useAction } from "~/ui/useAction";
import "./caps.css";
import type { Cap, CapValues, Period, Unit } from "./data";
import { roundedWords } from "./words";

interface CapDialogProps {
  /** Null: a new one. */
  cap: Cap | null;
  title: string;
  /** In which a new one is counted, until something else is chosen. */
  unit: Unit;
  currency: string;
  /** What a new one is on, or whose it is: asked above everything else. */
  whose?: ReactNode;
  /** Whoever sets it has to say whose it is first. */
  beginsWithWhose?: boolean;
  onSave: (values: CapValues) => Promise<unknown>;
  onRemove: () => Promise<unknown>;
  onClose: () => void;
}

const PATTERN: Record<Unit, string> = { money: "[0-9]+([.][0-9]{1,6})?", tokens: "[0-9]+" };

/** Sets, changes or takes away a cap: one of one's own, or an operator's budget. */
export function CapDialog({ cap, title, unit: usual, currency, whose, beginsWithWhose = false, onSave, onRemove, onClose }: CapDialogProps) {
  const [unit, setUnit] = useState<Unit>(cap?.unit ?? usual);
  const [period, setPeriod] = useState<Period>(cap?.period ?? "month");
  const [amount, setAmount] = useState(cap ? String(cap.amount) : "");
  const [hard, setHard] = useState(cap?.hard ?? true);
  const { busy, error, run } = useAction();

  async function finish(action: () => Promise<unknown>) {
    if (await run(action)) onClose();
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    void finish(() => onSave({ unit, amount: unit === "money" ? amount.trim() : Number(amount), period, hard }));
  }
  const tokens = unit === "tokens" && /^[0-9]+$/.test(amount) ? t("About {n} words read and written.", { n: number(roundedWords(Number(amount))) }) : t("A token is about three quarters of a word.");
  return (
    <Dialog open onClose={onClose} title={title}>
      <form className="form form--dialog" onSubmit={submit}>
        {!cap && (
          <>
            {whose}
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
          autoFocus={!beginsWithWhose}
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
          help={unit === "tokens" ? tokens : undefined}
        />
        <SwitchLine label={t("Hold back what goes over it")} help={t("Otherwise it is only counted.")} checked={hard} onChange={setHard} />
        <ErrorNote error={error} />
        <div className="dialog__do">
          {cap && (
            <Button kind="danger" busy={busy} onClick={() => void finish(onRemove)}>
              {t("Remove")}
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
