import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Session } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { Door } from "./Door";
import { useEnter } from "./useEnter";

export function SecondFactor({ onBack }: { onBack: () => void }) {
  const [code, setCode] = useState("");
  const { busy, error, run } = useAction();
  const enter = useEnter();
  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => enter(await api.post<Session>("/sign-in/second-factor", { code: code.trim() })));
  }
  return (
    <Door title={t("One more step")} lede={t("Write the six figures that your authenticator app shows, or one of your recovery codes.")}>
      <form className="form" onSubmit={submit}>
        <Field label={t("Code")} autoComplete="one-time-code" inputMode="text" autoFocus required value={code} onChange={(event) => setCode(event.target.value)} />
        <ErrorNote error={error} />
        <div className="form__do">
          <Button kind="main" type="submit" busy={busy} disabled={code.trim().length < 6}>
            {t("Sign in")}
          </Button>
          <Button kind="quiet" onClick={onBack}>
            {t("Back")}
          </Button>
        </div>
      </form>
    </Door>
  );
}
