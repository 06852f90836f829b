import type { ReactNode } from "react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import "./caps.css";
import { type Cap, shareOf } from "./data";
import { NEAR } from "./sums";
import { capAmount } from "./words";

interface CapRowProps {
  cap: Cap;
  /** Whose it is, or what it is on. */
  name: string;
  note: ReactNode;
  /** How the button is read out; there is none without `onChange`. */
  verb: string;
  onChange?: (() => void) | undefined;
  /** In the place of what is spent, where there is no one count. */
  instead?: ReactNode;
}

/** A cap with a meter of what is spent. */
export function CapRow({ cap, name, note, verb, onChange, instead }: CapRowProps) {
  const share = shareOf(cap);
  return (
    <div className="cap" data-testid="cap">
      <div>
        <b>{name}</b>
        <small>{note}</small>
      </div>
      {instead ?? (
        <div>
          <span className="cap__amount num">
            <span>{capAmount(cap, cap.spent)}</span>
            <span>{capAmount(cap, cap.amount)}</span>
          </span>
          <span className="meter" role="progressbar" aria-label={t("Used of {name}", { name })} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.min(100, Math.round(share * 100))}>
            <i className={share >= NEAR ? "warn" : undefined} style={{ width: `${Math.min(100, share * 100)}%` }} />
          </span>
        </div>
      )}
      {onChange ? (
        <Button small onClick={onChange} aria-label={verb}>
          {t("Change")}
        </Button>
      ) : (
        <span />
      )}
    </div>
  );
}
