import { useInstallation, usePerson } from "~/api/client";
import { api } from "~/api/http";
import type { Person } from "~/api/types";
import { t } from "~/i18n";
import { TextButton } from "~/ui/Button";
import { ErrorNote } from "~/ui/Note";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { rememberPerson } from "./look";

/** Whether the address is proven, and what is missing. Without a mail server nothing is asked. */
export function AddressNote() {
  const { email, email_verified, pending_email } = usePerson();
  const { mail } = useInstallation();
  const { busy, error, run } = useAction();
  if (email_verified && pending_email === null) return <p className="muted small">{t("{email} is confirmed.", { email })}</p>;
  if (!mail) return null;
  const again = () =>
    run(async () => {
      await api.post("/me/email/verification");
      toast(t("The mail is on its way."));
    });
  const keep = () => run(async () => rememberPerson(await api.patch<Person>("/me", { email })));
  return (
    <>
      <p className="muted small" role="status">
        {pending_email === null
          ? t("{email} is not confirmed yet. Open the link in the mail that went there.", { email })
          : t("A mail went to {pending}. Until you open its link, {email} stays.", { pending: pending_email, email })}{" "}
        <TextButton disabled={busy} onClick={() => void again()}>
          {t("Send it again")}
        </TextButton>{" "}
        {pending_email !== null && (
          <TextButton disabled={busy} onClick={() => void keep()}>
            {t("Keep the old one")}
          </TextButton>
        )}
      </p>
      <ErrorNote error={error} />
    </>
  );
}
