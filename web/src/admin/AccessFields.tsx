import type { Access } from "~/api/types";
import { t } from "~/i18n";
import { Select, SwitchLine } from "~/ui/Field";
import { OrganisationChoices } from "./OrganisationChoices";

const KINDS: Record<Access["kind"], () => string> = {
  everybody: () => t("Everybody"),
  operators: () => t("Operators only"),
  organisations: () => t("Members of organisations"),
  roles: () => t("People with certain roles"),
};

const ROLES: Record<Access["roles"][number], () => string> = {
  owner: () => t("Owners"),
  operator: () => t("Operators"),
  member: () => t("Members"),
};

/** Who may use it, in a few words; null: everybody may, and sees it. */
export function accessWords(access: Access, hidden: boolean): string | null {
  const who: Record<Access["kind"], string | null> = {
    everybody: null,
    operators: t("operators only"),
    organisations: t("{n, plural, one {# organisation} other {# organisations}}", { n: access.organisations.length }),
    roles: access.roles.map((role) => ROLES[role]()).join(t(", ")),
  };
  return [who[access.kind], hidden ? t("not in lists") : null].filter(Boolean).join(t(", ")) || null;
}

interface ChoicesProps<Value extends string> {
  legend: string;
  options: { value: Value; label: string }[];
  chosen: Value[];
  onChange: (chosen: Value[]) => void;
}

function Choices<Value extends string>({ legend, options, chosen, onChange }: ChoicesProps<Value>) {
  return (
    <fieldset className="many">
      <legend className="vh">{legend}</legend>
      {options.map(({ value, label }) => (
        <label key={value} className="row">
          <input className="check" type="checkbox" checked={chosen.includes(value)} onChange={(event) => onChange(event.target.checked ? [...chosen, value] : chosen.filter((other) => other !== value))} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

interface AccessFieldsProps {
  access: Access;
  hidden: boolean;
  onChange: (access: Access, hidden: boolean) => void;
}

/** Who may use a model or an alias, and whether it is offered. */
export function AccessFields({ access, hidden, onChange }: AccessFieldsProps) {
  const set = (change: Partial<Access>) => onChange({ ...access, ...change }, hidden);
  return (
    <>
      <Select
        label={t("Who may use it")}
        value={access.kind}
        onChange={(event) => set({ kind: event.target.value as Access["kind"] })}
        help={t("Whoever may not is told that there is no such model.")}
      >
        {Object.entries(KINDS).map(([kind, words]) => (
          <option key={kind} value={kind}>
            {words()}
          </option>
        ))}
      </Select>
      {access.kind === "organisations" && <OrganisationChoices chosen={access.organisations} onChange={(organisations) => set({ organisations })} />}
      {access.kind === "roles" && (
        <Choices
          legend={t("Roles")}
          options={Object.entries(ROLES).map(([value, words]) => ({ value: value as Access["roles"][number], label: words() }))}
          chosen={access.roles}
          onChange={(roles) => set({ roles })}
        />
      )}
      <div>
        <SwitchLine label={t("Show it in lists")} help={t("If not, it still works for whoever may use it and knows its name.")} checked={!hidden} onChange={(shown) => onChange(access, !shown)} />
      </div>
    </>
  );
}
