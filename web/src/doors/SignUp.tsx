import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { useInstallation } from "~/api/client";
import { api } from "~/api/http";
import type { Session } from "~/api/types";
import { getLocale, t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { AccountForm } from "./AccountForm";
import { Door } from "./Door";
import { BadLink, LinkPending, useLink } from "./link";
import { useEnter } from "./useEnter";

function Foot() {
  return (
    <Link className="textbtn" to="/sign-in">
      {t("I have an account")}
    </Link>
  );
}

/** First the address, which is confirmed by following the link that goes there. */
function Ask() {
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useAction();
  if (sent) {
    return (
      <Door title={t("Look into your mail")} lede={t("A mail is on its way to {email}. It says how to go on.", { email })} foot={<Foot />}>
        {null}
      </Door>
    );
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      await api.post("/sign-up/request", { email: email.trim(), locale: getLocale() });
      setSent(true);
    });
  }
  return (
    <Door title={t("Make an account")} lede={t("A notebook of your own: nobody else reads it. I send a link to your address first.")} foot={<Foot />}>
      <form className="form" onSubmit={submit}>
        <Field label={t("Email")} type="email" autoComplete="username" required autoFocus value={email} onChange={(event) => setEmail(event.target.value)} />
        <ErrorNote error={error} />
        <Button kind="main" type="submit" className="btn--wide" busy={busy}>
          {t("Send the link")}
        </Button>
      </form>
    </Door>
  );
}

/** A new account: by invitation, or by oneself where that is open. */
export function SignUp() {
  const { token, link, error, pending } = useLink();
  const { sign_up, mail } = useInstallation();
  const action = useAction();
  const enter = useEnter();
  if (pending) return <LinkPending />;
  if (token !== undefined && link?.kind !== "invitation" && link?.kind !== "sign_up") return <BadLink error={error} />;
  const foot = <Foot />;
  if (!token && sign_up !== "open") {
    return (
      <Door
        title={t("By invitation")}
        lede={sign_up === "invitation" ? t("New accounts need an invitation here. Ask somebody who has one.") : t("This Mecum takes no new accounts. Ask whoever runs it.")}
        foot={foot}
      >
        {null}
      </Door>
    );
  }
  if (!token && mail) return <Ask />;
  return (
    <Door title={t("Make an account")} lede={t("A notebook of your own: nobody else reads it.")} foot={foot}>
      <AccountForm
        email={link?.email}
        verb={t("Make the account")}
        busy={action.busy}
        error={action.error}
        onSubmit={(account) => void action.run(async () => enter(await api.post<Session>("/sign-up", { ...account, ...(token ? { token } : {}) })))}
      />
    </Door>
  );
}
