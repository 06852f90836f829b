import { Link, useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { applySession, useInstallation } from "~/api/client";
import { api } from "~/api/http";
import type { Session } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { NewPassword } from "~/ui/NewPassword";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { Door } from "./Door";
import { BadLink, LinkPending, useLink } from "./link";

function Foot() {
  return (
    <Link className="textbtn" to="/sign-in">
      {t("To sign-in")}
    </Link>
  );
}

function Ask() {
  const { mail, limits } = useInstallation();
  const [email, setEmail] = useState("");
  const [sent, setSent] = useState(false);
  const { busy, error, run } = useAction();
  if (sent) {
    return (
      <Door
        title={mail ? t("Look into your mail") : t("Asked for")}
        lede={
          mail
            ? t("If {email} has an account here, a link is on its way. It works once, for {n, plural, one {# hour} other {# hours}}.", { email, n: limits.reset_mail_hours })
            : t("If {email} has an account here, whoever runs this Mecum has been told and can make you a link. It sends no mail, so ask them for it.", { email })
        }
        foot={<Foot />}
      >
        {null}
      </Door>
    );
  }
  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      await api.post("/reset/request", { email: email.trim() });
      setSent(true);
    });
  }
  return (
    <Door
      title={t("A new password")}
      lede={mail ? t("I send you a link with which you choose a new one.") : t("Whoever runs this Mecum can make you a link with which you choose a new one. I tell them that you need it.")}
      foot={<Foot />}
    >
      <form className="form" onSubmit={submit}>
        <Field label={t("Email")} type="email" autoComplete="username" required autoFocus value={email} onChange={(event) => setEmail(event.target.value)} />
        <ErrorNote error={error} />
        <Button kind="main" type="submit" className="btn--wide" busy={busy}>
          {mail ? t("Send the link") : t("Ask for a link")}
        </Button>
      </form>
    </Door>
  );
}

export function Reset() {
  const { token, link, error, pending } = useLink();
  const navigate = useNavigate();
  const [password, setPassword] = useState("");
  const action = useAction();
  if (token === undefined) return <Ask />;
  if (pending) return <LinkPending />;
  if (link?.kind !== "reset") return <BadLink error={error} />;
  function submit(event: FormEvent) {
    event.preventDefault();
    void action.run(async () => {
      const session = await api.post<Session | undefined>("/reset", { token, password });
      if (session && "person" in session) applySession(session);
      await navigate({ to: "/sign-in", replace: true });
    });
  }
  return (
    <Door title={t("A new password")} lede={link.email ? t("For {email}. All other sessions end.", { email: link.email }) : undefined} foot={<Foot />}>
      <form className="form" onSubmit={submit}>
        <input type="email" autoComplete="username" hidden readOnly value={link.email ?? ""} />
        <NewPassword label={t("New password")} autoFocus value={password} onChange={setPassword} />
        <ErrorNote error={action.error} />
        <Button kind="main" type="submit" className="btn--wide" busy={action.busy}>
          {t("Save")}
        </Button>
      </form>
    </Door>
  );
}
