import { useState } from "react";
import type { ApiKey } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { dayAndMonth } from "~/ui/figures";
import { CapDialog } from "./CapDialog";
import type { Cap, Unit } from "./data";
import { capAmount, capName, periodName } from "./words";

const NEAR = 0.85;

interface CapsProps {
  caps: readonly Cap[];
  keys: readonly ApiKey[];
  /** In which a new cap is set, until something else is chosen. */
  unit: Unit;
  currency: string;
}

export function Caps({ caps, keys, unit, currency }: CapsProps) {
  const [open, setOpen] = useState<Cap | "new" | null>(null);
  const names = new Map(keys.map((key) => [key.id, key.name]));
  return (
    <div className="caps">
      {caps.length === 0 && <p className="caps__none">{t("No cap. You can set one, for everything or for one key. What would go over it is refused, with the time at which it goes on.")}</p>}
      {caps.map((cap) => (
        <CapRow key={cap.id} cap={cap} name={capName(cap, names)} onChange={() => setOpen(cap)} />
      ))}
      <div className="caps__do">
        <Button small onClick={() => setOpen("new")}>
          {t("Set a cap")}
        </Button>
      </div>
      {open && <CapDialog cap={open === "new" ? null : open} name={open === "new" ? "" : capName(open, names)} keys={keys} unit={unit} currency={currency} onClose={() => setOpen(null)} />}
    </div>
  );
}

function CapRow({ cap, name, onChange }: { cap: Cap; name: string; onChange: () => void }) {
  const share = Number(cap.amount) > 0 ? Number(cap.spent) / Number(cap.amount) : 1;
  const isOwn = cap.set_by === "person";
  const anew = t("begins anew {when}", { when: dayAndMonth(cap.resets_at) });
  const what = cap.hard ? periodName(cap.period) : t("{period}, only counted", { period: periodName(cap.period) });
  return (
    <div className="cap" data-testid="cap">
      <div>
        <b>{name}</b>
        <small>{isOwn ? `${what}, ${anew}` : t("{what}, {anew}; set by whoever runs this Mecum", { what, anew })}</small>
      </div>
      <div>
        <span className="cap__amount num">
          <span>{capAmount(cap, cap.spent)}</span>
          <span>{capAmount(cap, cap.amount)}</span>
        </span>
        <span className="meter" role="progressbar" aria-label={t("Used of {name}", { name })} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.min(100, Math.round(share * 100))}>
          <i className={share >= NEAR ? "warn" : undefined} style={{ width: `${Math.min(100, share * 100)}%` }} />
        </span>
      </div>
      {isOwn ? (
        <Button small onClick={onChange} aria-label={t("Change the cap on {name}", { name })}>
          {t("Change")}
        </Button>
      ) : (
        <span />
      )}
    </div>
  );
}
