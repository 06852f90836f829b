import { Link, Navigate, useSearch } from "@tanstack/react-router";
import { Fingerprint } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useSession } from "~/api/client";
import { api } from "~/api/http";
import { isCancelled, passkeysWork, signInWithPasskey } from "~/api/passkeys";
import type { Session } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { Door } from "./Door";
import { SecondFactor } from "./SecondFactor";
import { useEnter } from "./useEnter";

type Answer = Session | { second_factor_needed: true };

function Passkey() {
  const { busy, error, run } = useAction();
  const enter = useEnter();
  if (!passkeysWork()) return null;
  const go = () =>
    run(async () => {
      try {
        await enter(await signInWithPasskey());
      } catch (caught) {
        if (!isCancelled(caught)) throw caught;
      }
    });
  return (
    <>
      <p className="door__or">{t("or")}</p>
      <Button className="btn--wide" icon={Fingerprint} busy={busy} onClick={() => void go()}>
        {t("Sign in with a passkey")}
      </Button>
      <ErrorNote error={error} />
    </>
  );
}

export function SignIn() {
  const session = useSession();
  const { busy, error, run } = useAction();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [second, setSecond] = useState(session.second_factor_needed);
  const enter = useEnter();
  const { next } = useSearch({ strict: false }) as { next?: string };
  if (session.person) return <Navigate to="/" href={next ?? "/"} replace />;
  if (session.installation.needs_owner) return <NoOwner />;
  if (second) return <SecondFactor onBack={() => setSecond(false)} />;

  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      const answer = await api.post<Answer>("/sign-in", { email: email.trim(), password });
      if ("person" in answer && answer.person) await enter(answer);
      else setSecond(true);
    });
  }

  const { sign_up, mail } = session.installation;
  const foot = sign_up === "open" && (
    <Link className="textbtn" to="/sign-up/{-$token}">
      {t("Make an account")}
    </Link>
  );
  return (
    <Door title={t("Sign in")} foot={foot}>
      <form className="form" onSubmit={submit}>
        <Field label={t("Email")} type="email" autoComplete="username" required autoFocus value={email} onChange={(event) => setEmail(event.target.value)} />
        <Field
          label={t("Password")}
          type="password"
          autoComplete="current-password"
          required
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          help={
            <Link className="textbtn" to="/reset/{-$token}">
              {mail ? t("Forgotten?") : t("Forgotten? What to do")}
            </Link>
          }
        />
        <ErrorNote error={error} />
        <Button kind="main" type="submit" className="btn--wide" busy={busy}>
          {t("Sign in")}
        </Button>
        <Passkey />
      </form>
    </Door>
  );
}

function NoOwner() {
  return (
    <Door
      title={t("Nobody lives here yet.")}
      lede={t("The first person in becomes the owner. Open the set-up link that Mecum printed where it was started; it works once.")}
    >
      <div className="form">
        <p className="muted">{t("Lost it? Start Mecum again: while there is no owner it prints a new one each time.")}</p>
      </div>
    </Door>
  );
}
