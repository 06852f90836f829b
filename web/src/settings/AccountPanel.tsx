import { type FormEvent, useState } from "react";
import { usePerson, useSession } from "~/api/client";
import { api } from "~/api/http";
import type { Person, Role } from "~/api/types";
import { t } from "~/i18n";
import { spaceName } from "~/shell/AccountMenu";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { date } from "~/ui/time";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { AddressNote } from "./AddressNote";
import { rememberPerson } from "./look";

export function roleName(role: Role): string {
  return { owner: t("Owner"), operator: t("Operator"), member: t("Member") }[role];
}

export function AccountPanel() {
  const person = usePerson();
  const { spaces, space } = useSession();
  const [name, setName] = useState(person.name);
  const [email, setEmail] = useState(person.email);
  const { busy, error, run } = useAction();
  const changed = name.trim() !== person.name || email.trim() !== person.email;

  async function submit(event: FormEvent) {
    event.preventDefault();
    const saved = await run(async () => {
      const part = { ...(name.trim() !== person.name && { name: name.trim() }), ...(email.trim() !== person.email && { email: email.trim() }) };
      const after = await api.patch<Person>("/me", part);
      rememberPerson(after);
      setEmail(after.email);
    });
    if (saved) toast(t("Saved."));
  }
  return (
    <>
      <form className="form" onSubmit={submit}>
        <Field label={t("Your name")} autoComplete="name" required maxLength={120} value={name} onChange={(event) => setName(event.target.value)} help={t("So I call you, and so others see you on what you share.")} />
        <Field label={t("Email")} type="email" autoComplete="email" required value={email} onChange={(event) => setEmail(event.target.value)} />
        <AddressNote />
        <ErrorNote error={error} />
        <div className="form__do">
          <Button kind="main" type="submit" busy={busy} disabled={!changed || !name.trim()}>
            {t("Save")}
          </Button>
        </div>
      </form>
      <section>
        <p className="muted small">
          {t("{role} since {date}.", { role: roleName(person.role), date: date(person.created_at) })}{" "}
          {spaces.length > 1 ? t("You are in {space}; change it from the menu below your pages.", { space: spaceName(space) }) : ""}
        </p>
      </section>
    </>
  );
}
