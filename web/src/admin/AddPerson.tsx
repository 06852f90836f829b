import { type FormEvent, useState } from "react";
import { queryClient, useInstallation, usePerson } from "~/api/client";
import { api } from "~/api/http";
import type { Invitation, ListedPerson, OneTimeLink, Role } from "~/api/types";
import { t } from "~/i18n";
import { roleName } from "~/settings/AccountPanel";
import { Button } from "~/ui/Button";
import { CopyField } from "~/ui/CopyField";
import { Panel } from "~/ui/Dialog";
import { Field, Seg, Select } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { dateAndTime } from "~/ui/time";
import { useAction } from "~/ui/useAction";
import { INVITATIONS } from "./Invitations";
import { refreshPeople } from "./PeoplePage";

type Way = "invite" | "add";

function RoleSelect({ value, onChange }: { value: Role; onChange: (role: Role) => void }) {
  const roles: Role[] = usePerson().role === "owner" ? ["member", "operator", "owner"] : ["member"];
  return (
    <Select label={t("Role")} value={value} onChange={(event) => onChange(event.target.value as Role)} help={t("Members use it. Operators also see this desk. Owners decide everything.")}>
      {roles.map((role) => (
        <option key={role} value={role}>
          {roleName(role)}
        </option>
      ))}
    </Select>
  );
}

export default function AddPerson({ onClose }: { onClose: () => void }) {
  const { mail, sign_up } = useInstallation();
  const closed = sign_up === "closed";
  const [way, setWay] = useState<Way>(closed ? "add" : "invite");
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("member");
  const [days, setDays] = useState("7");
  const [link, setLink] = useState<OneTimeLink | null>(null);
  const { busy, error, run } = useAction();

  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      if (way === "invite") {
        const made = await api.post<Invitation>("/invitations", { ...(email.trim() ? { email: email.trim() } : {}), role, days: Number(days) });
        await queryClient.invalidateQueries({ queryKey: INVITATIONS });
        setLink(made);
      } else {
        const made = await api.post<{ person: ListedPerson; link: OneTimeLink | null }>("/people", { email: email.trim(), name: name.trim(), role });
        await refreshPeople();
        setLink(made.link);
        if (!made.link) onClose();
      }
    });
  }

  return (
    <Panel open onClose={onClose} title={t("Somebody new")}>
      {link ? (
        <section className="form">
          <p>{way === "invite" ? t("With this link they make their account.") : t("With this link they choose their password.")}</p>
          <CopyField label={t("Works once, until {time}", { time: dateAndTime(link.expires_at) })} value={link.url} />
          {mail && email && <p className="muted small">{t("It is on its way to {email} as well.", { email })}</p>}
          <div className="form__do">
            <Button onClick={onClose}>{t("Done")}</Button>
          </div>
        </section>
      ) : (
        <form className="form" onSubmit={submit}>
          <div>
            <Seg
              legend={t("How")}
              value={way}
              onChange={setWay}
              options={[
                { value: "invite", label: t("Invite") },
                { value: "add", label: t("Make the account") },
              ]}
            />
          </div>
          {way === "invite" && closed && <p className="notice">{t("The door is closed, so an invitation would open nothing. Set it to “By invitation” first.")}</p>}
          {way === "add" && <Field label={t("Name")} required maxLength={120} value={name} onChange={(event) => setName(event.target.value)} />}
          <Field
            label={t("Email")}
            type="email"
            required={way === "add"}
            value={email}
            onChange={(event) => setEmail(event.target.value)}
            help={way === "invite" ? t("Leave it empty for a link that anybody can use once.") : undefined}
          />
          <RoleSelect value={role} onChange={setRole} />
          {way === "invite" && (
            <Select label={t("For how long")} value={days} onChange={(event) => setDays(event.target.value)}>
              <option value="1">{t("1 day")}</option>
              <option value="7">{t("7 days")}</option>
              <option value="30">{t("30 days")}</option>
            </Select>
          )}
          <ErrorNote error={error} />
          <div className="form__do">
            <Button kind="main" type="submit" busy={busy} disabled={way === "invite" && closed}>
              {way === "invite" ? t("Make the invitation") : t("Make the account")}
            </Button>
          </div>
        </form>
      )}
    </Panel>
  );
}
