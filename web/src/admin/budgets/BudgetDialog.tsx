import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSession } from "~/api/client";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { Select } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { CapDialog } from "~/usage/CapDialog";
import type { CapValues, Unit } from "~/usage/data";
import { type Budget, type EachPerson, type Kind, keysQuery, refreshBudgets } from "./data";
import { type Picked, PersonPicker } from "./PersonPicker";
import { budgetName } from "./words";

interface BudgetDialogProps {
  /** Null: a new one. */
  budget: Budget | EachPerson | null;
  /** For whom a new one is, until somebody else is chosen. */
  person: Picked | null;
  unit: Unit;
  currency: string;
  onClose: () => void;
}

/** An operator's budget: the form of a cap, with whose it is. */
export function BudgetDialog({ budget, person: first, unit, currency, onClose }: BudgetDialogProps) {
  const [kind, setKind] = useState<Kind>(first ? "person" : "each_person");
  const [person, setPerson] = useState(first);
  const [key, setKey] = useState("");
  const organisations = useOrganisations();
  const [organisation, setOrganisation] = useState(organisations[0]?.id ?? "");

  async function save({ amount, hard, ...rest }: CapValues) {
    const ids: Record<Kind, string | undefined> = { each_person: undefined, person: person?.id, key, organisation };
    if (budget) await api.patch(`/budgets/${budget.id}`, { amount, hard });
    else await api.post("/budgets", { subject: kind, ...(ids[kind] ? { subject_id: ids[kind] } : {}), amount, hard, ...rest });
    await refreshBudgets();
  }
  async function remove() {
    await api.delete(`/budgets/${budget?.id}`);
    await refreshBudgets();
  }
  const whose = (
    <>
      <Select label={t("Whose")} autoFocus={!first} value={kind} onChange={(event) => setKind(event.target.value as Kind)}>
        <option value="each_person">{t("Each person")}</option>
        <option value="person">{t("One person")}</option>
        <option value="key">{t("A key of somebody")}</option>
        {organisations.length > 0 && <option value="organisation">{t("An organisation, all together")}</option>}
      </Select>
      {(kind === "person" || kind === "key") && <PersonPicker picked={person} onPick={setPerson} />}
      {kind === "key" && person && <KeySelect person={person} value={key} onChange={setKey} />}
      {kind === "organisation" && (
        <Select label={t("Organisation")} value={organisation} onChange={(event) => setOrganisation(event.target.value)}>
          {organisations.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </>
  );
  const name = budget && ("name" in budget ? budgetName(budget) : t("What each person has"));
  return <CapDialog cap={budget} title={name ? t("Change the budget: {name}", { name }) : t("Set a budget")} unit={unit} currency={currency} whose={whose} beginsWithWhose={!budget && !first} onSave={save} onRemove={remove} onClose={onClose} />;
}

/** Those that the operator belongs to. */
function useOrganisations(): { id: string; name: string }[] {
  const { spaces } = useSession();
  const found = new Map(spaces.flatMap((space) => (space.organisation ? [[space.organisation, space.organisation_name ?? space.organisation] as const] : [])));
  return [...found].map(([id, name]) => ({ id, name }));
}

function KeySelect({ person, value, onChange }: { person: Picked; value: string; onChange: (key: string) => void }) {
  const { data, error } = useQuery(keysQuery(person.id));
  if (error) return <ErrorNote error={error} />;
  if (data?.length === 0) return <p className="help">{t("{name} has no key.", { name: person.name })}</p>;
  return (
    <Select label={t("Key")} required value={value} onChange={(event) => onChange(event.target.value)}>
      <option value="">{t("Choose a key")}</option>
      {data?.map((each) => (
        <option key={each.id} value={each.id}>
          {each.name} ({each.prefix}…)
        </option>
      ))}
    </Select>
  );
}
