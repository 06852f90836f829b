import { KeyRound, MailCheck, Trash2, UserCheck, UserX } from "lucide-react";
import { usePerson } from "~/api/client";
import type { ListedPerson, Role } from "~/api/types";
import { t } from "~/i18n";
import { roleName } from "~/settings/AccountPanel";
import { MenuChoice, MenuItem, MenuLabel, MenuLine } from "~/ui/MenuContent";

export interface PersonChange {
  role?: Role;
  state?: "active" | "disabled";
  email_verified?: boolean;
}

interface PersonItemsProps {
  person: ListedPerson;
  mine: boolean;
  onChange: (part: PersonChange) => void;
  onReset: () => void;
  onErase: () => void;
}

export default function PersonItems({ person, mine, onChange, onReset, onErase }: PersonItemsProps) {
  // Only an owner makes owners and operators.
  const roles: Role[] = usePerson().role === "owner" ? ["member", "operator", "owner"] : [];
  return (
    <>
      {roles.length > 0 && (
        <>
          <MenuLabel>{t("Role")}</MenuLabel>
          {roles.map((role) => (
            <MenuChoice key={role} checked={person.role === role} onSelect={() => onChange({ role })}>
              {roleName(role)}
            </MenuChoice>
          ))}
          <MenuLine />
        </>
      )}
      <MenuItem icon={KeyRound} onSelect={onReset}>{t("Reset link")}</MenuItem>
      {!person.email_verified && <MenuItem icon={MailCheck} onSelect={() => onChange({ email_verified: true })}>{t("Vouch for the address")}</MenuItem>}
      {!mine &&
        (person.state === "active" ? (
          <MenuItem icon={UserX} onSelect={() => onChange({ state: "disabled" })}>{t("Disable")}</MenuItem>
        ) : (
          <MenuItem icon={UserCheck} onSelect={() => onChange({ state: "active" })}>{t("Let in again")}</MenuItem>
        ))}
      {!mine && (
        <MenuItem icon={Trash2} danger onSelect={onErase}>
          {t("Erase")}
        </MenuItem>
      )}
    </>
  );
}
