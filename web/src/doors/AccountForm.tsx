import { type FormEvent, useState } from "react";
import { getLocale, t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { NewPassword } from "~/ui/NewPassword";
import { ErrorNote } from "~/ui/Note";

export interface NewAccount {
  email: string;
  name: string;
  password?: string;
  locale: string;
  timezone: string;
}

export function here(): { locale: string; timezone: string } {
  return { locale: getLocale(), timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC" };
}

interface AccountFormProps {
  /** Given by an invitation: then it can't be changed. */
  email: string | null | undefined;
  verb: string;
  busy: boolean;
  error: unknown;
  onSubmit: (account: NewAccount) => void;
  /** With a passkey instead of a password. */
  onPasskey?: (account: NewAccount) => void;
}

/** The least to be known of somebody new: how to call them, where to reach them, how they prove it is them. */
export function AccountForm({ email: given, verb, busy, error, onSubmit, onPasskey }: AccountFormProps) {
  const [email, setEmail] = useState(given ?? "");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const account = { email: email.trim(), name: name.trim(), ...here() };
  const known = account.email !== "" && account.name !== "";

  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit({ ...account, password });
  }
  return (
    <form className="form" onSubmit={submit}>
      <Field label={t("Your name")} autoComplete="name" required autoFocus maxLength={120} value={name} onChange={(event) => setName(event.target.value)} />
      <Field label={t("Email")} type="email" autoComplete="username" required readOnly={Boolean(given)} value={email} onChange={(event) => setEmail(event.target.value)} />
      <NewPassword label={t("Password")} value={password} onChange={setPassword} />
      <ErrorNote error={error} />
      <Button kind="main" type="submit" className="btn--wide" busy={busy}>
        {verb}
      </Button>
      {onPasskey && (
        <>
          <p className="door__or">{t("or")}</p>
          <Button className="btn--wide" disabled={!known || busy} onClick={() => onPasskey(account)}>
            {t("Go on with a passkey instead")}
          </Button>
        </>
      )}
    </form>
  );
}
