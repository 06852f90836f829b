import { useState } from "react";
import { api } from "~/api/http";
import type { ApiKey } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Select } from "~/ui/Field";
import { CapDialog } from "./CapDialog";
import { CapRow } from "./CapRow";
import { type Cap, type CapValues, refreshCaps, type Unit } from "./data";
import { anewWords, capName, periodName } from "./words";

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
      {caps.map((cap) => {
        const name = capName(cap, names);
        return <CapRow key={cap.id} cap={cap} name={name} note={noteOf(cap)} verb={t("Change the cap on {name}", { name })} onChange={cap.set_by === "person" ? () => setOpen(cap) : undefined} />;
      })}
      <div className="caps__do">
        <Button small onClick={() => setOpen("new")}>
          {t("Set a cap")}
        </Button>
      </div>
      {open && <OwnCap cap={open === "new" ? null : open} names={names} unit={unit} currency={currency} onClose={() => setOpen(null)} />}
    </div>
  );
}

function noteOf(cap: Cap): string {
  const anew = anewWords(cap);
  const what = cap.hard ? periodName(cap.period) : t("{period}, only counted", { period: periodName(cap.period) });
  return cap.set_by === "person" ? t("{what}, {anew}", { what, anew }) : t("{what}, {anew}; set by whoever runs this Mecum", { what, anew });
}

interface OwnCapProps {
  cap: Cap | null;
  names: ReadonlyMap<string, string>;
  unit: Unit;
  currency: string;
  onClose: () => void;
}

function OwnCap({ cap, names, ...shared }: OwnCapProps) {
  const [key, setKey] = useState("");
  async function save({ amount, hard, ...rest }: CapValues) {
    if (cap) await api.patch(`/usage/budgets/${cap.id}`, { amount, hard });
    else await api.post("/usage/budgets", { ...(key ? { key } : {}), amount, hard, ...rest });
    await refreshCaps();
  }
  async function remove() {
    await api.delete(`/usage/budgets/${cap?.id}`);
    await refreshCaps();
  }
  const whose = names.size > 0 && (
    <Select label={t("On what")} value={key} onChange={(event) => setKey(event.target.value)}>
      <option value="">{t("Everything")}</option>
      {[...names].map(([id, name]) => (
        <option key={id} value={id}>
          {t("Key “{name}”", { name })}
        </option>
      ))}
    </Select>
  );
  return <CapDialog cap={cap} title={cap ? t("Change the cap on {name}", { name: capName(cap, names) }) : t("Set a cap")} whose={whose} onSave={save} onRemove={remove} {...shared} />;
}
