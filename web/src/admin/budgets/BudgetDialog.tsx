import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { Select } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { CapDialog } from "~/usage/CapDialog";
import type { CapValues, Unit } from "~/usage/data";
import { organisationsQuery } from "../organisations";
import { type Budget, type EachPerson, type Kind, keysQuery, refreshBudgets } from "./data";
import { type Picked, PersonPicker } from "./PersonPicker";
import { budgetName } from "./words";

/** In one select; a house with more of them is rare. */
const ORGANISATIONS_AT_ONCE = 200;

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
  const organisations = useInfiniteQuery(organisationsQuery("", ORGANISATIONS_AT_ONCE)).data?.pages.flatMap((page) => page.items) ?? [];
  const [picked, setOrganisation] = useState("");
  const organisation = picked || organisations[0]?.id;

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
