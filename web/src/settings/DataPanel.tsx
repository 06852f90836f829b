import { Download } from "lucide-react";
import { type FormEvent, useState } from "react";
import { usePerson } from "~/api/client";
import { forgetPerson } from "~/api/device";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { download } from "~/ui/saveFile";
import { useAction } from "~/ui/useAction";

function Export() {
  const { busy, error, run } = useAction();
  const take = () =>
    void run(async () => {
      download((await api.post<{ url: string }>("/me/export")).url);
    });
  return (
    <section>
      <h3>{t("Take it with you")}</h3>
      <p className="lede">{t("All that I keep of you, as one zip file: conversations, files, schedules, settings, in formats that other programs read.")}</p>
      <ErrorNote error={error} />
      <div className="form__do">
        <Button icon={Download} busy={busy} onClick={take}>
          {t("Export")}
        </Button>
      </div>
    </section>
  );
}

function Erase() {
  const person = usePerson();
  const [open, setOpen] = useState(false);
  const [confirm, setConfirm] = useState("");
  const [password, setPassword] = useState("");
  const { busy, error, run } = useAction();

  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      await api.delete("/me", { confirm: confirm.trim(), ...(person.has_password ? { password } : {}) });
      forgetPerson(person.id);
      window.location.assign("/sign-in");
    });
  }
  return (
    <section>
      <h3>{t("Erase my account")}</h3>
      <p className="lede">{t("Everything of yours here goes, at once and for good: pages, files, keys, shared links. What others copied stays with them.")}</p>
      {!open ? (
        <div className="form__do">
          <Button kind="danger" onClick={() => setOpen(true)}>
            {t("Erase my account")}
          </Button>
        </div>
      ) : (
        <form className="form" onSubmit={submit}>
          <Field label={t("Your email, to be sure")} type="email" autoComplete="off" required placeholder={person.email} value={confirm} onChange={(event) => setConfirm(event.target.value)} />
          {person.has_password && <Field label={t("Password")} type="password" autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />}
          <ErrorNote error={error} />
          <div className="form__do">
            <Button kind="danger" type="submit" busy={busy} disabled={confirm.trim().toLowerCase() !== person.email.toLowerCase()}>
              {t("Erase for good")}
            </Button>
            <Button kind="quiet" onClick={() => setOpen(false)}>
              {t("Keep it")}
            </Button>
          </div>
        </form>
      )}
    </section>
  );
}

export function DataPanel() {
  return (
    <>
      <Export />
      <Erase />
    </>
  );
}
