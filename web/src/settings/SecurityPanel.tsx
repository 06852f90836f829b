import { type FormEvent, useState } from "react";
import { queryClient, sessionQuery, usePerson } from "~/api/client";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { NewPassword } from "~/ui/NewPassword";
import { ErrorNote } from "~/ui/Note";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { Passkeys } from "./Passkeys";
import { SecondFactor } from "./SecondFactor";
import { Sessions } from "./Sessions";

function Password() {
  const person = usePerson();
  const [open, setOpen] = useState(false);
  const [current, setCurrent] = useState("");
  const [fresh, setFresh] = useState("");
  const { busy, error, run } = useAction();

  async function submit(event: FormEvent) {
    event.preventDefault();
    const saved = await run(() => api.post("/me/password", { new: fresh, ...(person.has_password ? { current } : {}) }));
    if (!saved) return;
    setOpen(false);
    setCurrent("");
    setFresh("");
    await queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
    toast(t("Your new password holds from now on."));
  }
  return (
    <section>
      <h3>{t("Password")}</h3>
      {!open ? (
        <div className="form__do">
          <Button small onClick={() => setOpen(true)}>
            {person.has_password ? t("Change the password") : t("Set a password")}
          </Button>
        </div>
      ) : (
        <form className="form" onSubmit={submit}>
          <input type="email" autoComplete="username" hidden readOnly value={person.email} />
          {person.has_password && (
            <Field label={t("Password until now")} type="password" autoComplete="current-password" required value={current} onChange={(event) => setCurrent(event.target.value)} />
          )}
          <NewPassword label={t("New password")} value={fresh} onChange={setFresh} />
          <ErrorNote error={error} />
          <div className="form__do">
            <Button kind="main" type="submit" busy={busy}>
              {t("Save")}
            </Button>
            <Button kind="quiet" onClick={() => setOpen(false)}>
              {t("Cancel")}
            </Button>
          </div>
        </form>
      )}
    </section>
  );
}

export function SecurityPanel() {
  return (
    <>
      <Passkeys />
      <Password />
      <SecondFactor />
      <Sessions />
    </>
  );
}
