import { ChevronsUpDown } from "lucide-react";
import { usePerson, useSession } from "~/api/client";
import type { Space } from "~/api/types";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { Menu } from "~/ui/Menu";

const load = () => import("./AccountItems");

export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = [...(words[0] ?? "?")][0] ?? "?";
  const last = words.length > 1 ? ([...(words.at(-1) ?? "")][0] ?? "") : "";
  return (first + last).toUpperCase();
}

export function spaceName(space: Space | null): string {
  return space?.kind === "membership" ? (space.organisation_name ?? t("Organisation")) : t("Personal space");
}

export function AccountMenu() {
  const person = usePerson();
  const { space } = useSession();
  return (
    <Menu load={load} given={{}} side="top" align="start">
      <button type="button" className="me">
        <span className="face" aria-hidden="true">{initials(person.name)}</span>
        <span className="grow">
          <span className="vh">{t("Account of {name}", { name: person.name })}</span>
          <b aria-hidden="true">{person.name}</b>
          <small>{spaceName(space)}</small>
        </span>
        <Icon of={ChevronsUpDown} small />
      </button>
    </Menu>
  );
}
