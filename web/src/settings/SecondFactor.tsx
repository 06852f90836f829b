import { type FormEvent, lazy, Suspense, useState } from "react";
import { queryClient, sessionQuery, usePerson } from "~/api/client";
import { api } from "~/api/http";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { CopyField } from "~/ui/CopyField";
import { Field } from "~/ui/Field";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { RecoveryCodes } from "./RecoveryCodes";

const QrCode = lazy(() => import("./QrCode"));

interface Secret {
  secret: string;
  uri: string;
}

const refresh = () => queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });

function CodeForm({ verb, onCode, onCancel, danger = false }: { verb: string; onCode: (code: string) => Promise<unknown>; onCancel: () => void; danger?: boolean }) {
  const [code, setCode] = useState("");
  const { busy, error, run } = useAction();
  function submit(event: FormEvent) {
    event.preventDefault();
    void run(() => onCode(code.trim()));
  }
  return (
    <form className="form" onSubmit={submit}>
      <Field label={t("Code from the app")} autoComplete="one-time-code" inputMode="numeric" required value={code} onChange={(event) => setCode(event.target.value)} />
      <ErrorNote error={error} />
      <div className="form__do">
        <Button kind={danger ? "danger" : "main"} type="submit" busy={busy} disabled={code.trim().length < 6}>
          {verb}
        </Button>
        <Button kind="quiet" onClick={onCancel}>
          {t("Cancel")}
        </Button>
      </div>
    </form>
  );
}

function SetUp({ secret, onDone, onCancel }: { secret: Secret; onDone: (codes: string[]) => void; onCancel: () => void }) {
  return (
    <>
      <p className="lede">{t("Scan this with an authenticator app, then write the six figures it shows.")}</p>
      <Suspense fallback={<Skeleton />}>
        <QrCode text={secret.uri} label={t("QR code for an authenticator app")} />
      </Suspense>
      <CopyField label={t("Or copy the secret")} value={secret.secret} />
      <CodeForm
        verb={t("Switch on")}
        onCancel={onCancel}
        onCode={async (code) => {
          const { recovery_codes } = await api.post<{ recovery_codes: string[] }>("/me/totp/confirm", { code });
          onDone(recovery_codes);
          await refresh();
        }}
      />
    </>
  );
}

/** The second step of sign-in: a code from an app, with recovery codes for the day on which the phone is gone. */
export function SecondFactor() {
  const person = usePerson();
  const [secret, setSecret] = useState<Secret | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const [off, setOff] = useState(false);
  const { busy, error, run } = useAction();
  if (codes) return <RecoveryCodes codes={codes} onDone={() => setCodes(null)} />;
  return (
    <section>
      <h3>{t("Second step")}</h3>
      {secret ? (
        <SetUp
          secret={secret}
          onCancel={() => setSecret(null)}
          onDone={(fresh) => {
            setSecret(null);
            setCodes(fresh);
          }}
        />
      ) : person.totp ? (
        <>
          <p className="lede">
            {t("After the password I ask for a code from your app. {n, plural, one {# recovery code is} other {# recovery codes are}} left.", { n: person.recovery_codes_left })}
          </p>
          {off ? (
            <CodeForm
              verb={t("Switch off")}
              danger
              onCancel={() => setOff(false)}
              onCode={async (code) => {
                await api.delete("/me/totp", { code });
                setOff(false);
                await refresh();
              }}
            />
          ) : (
            <div className="form__do">
              <Button
                small
                busy={busy}
                onClick={() =>
                  void run(async () => {
                    setCodes((await api.post<{ recovery_codes: string[] }>("/me/recovery-codes")).recovery_codes);
                    await refresh();
                  })
                }
              >
                {t("New recovery codes")}
              </Button>
              <Button small kind="quiet" onClick={() => setOff(true)}>
                {t("Switch off")}
              </Button>
            </div>
          )}
        </>
      ) : (
        <>
          <p className="lede">{t("A code from an app on your phone, asked after the password. Passkeys need none.")}</p>
          <div className="form__do">
            <Button small busy={busy} onClick={() => void run(async () => setSecret(await api.post<Secret>("/me/totp")))}>
              {t("Set up")}
            </Button>
          </div>
        </>
      )}
      <ErrorNote error={error} />
    </section>
  );
}
