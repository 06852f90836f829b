import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useSession } from "~/api/client";
import { api } from "~/api/http";
import type { Person } from "~/api/types";
import { t } from "~/i18n";
import { rememberPerson } from "~/settings/look";
import { Button } from "~/ui/Button";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { Door } from "./Door";
import { BadLink, LinkPending, useLink } from "./link";

/** An address is confirmed by whoever is signed in to its account, so that nobody confirms an account of somebody else. */
export function Verification() {
  const { token, link, error, pending } = useLink();
  const { person } = useSession();
  const [done, setDone] = useState(false);
  const action = useAction();
  if (!person) return null; // The route has asked for a session; this one has just ended.
  const foot = (
    <Link className="textbtn" to="/">
      {t("To your pages")}
    </Link>
  );
  if (done) {
    return (
      <Door title={t("Confirmed.")} lede={t("{email} is your address here.", { email: person.email })} foot={foot}>
        {null}
      </Door>
    );
  }
  if (pending) return <LinkPending />;
  if (link?.kind !== "verification") return <BadLink error={error} />;
  const confirm = () =>
    action.run(async () => {
      rememberPerson(await api.post<Person>("/me/email/confirm", { token }));
      setDone(true);
    });
  return (
    <Door title={t("Is this your address?")} lede={t("Confirm {email} for the account of {name}.", { email: link.email ?? "", name: person.name })} foot={foot}>
      <div className="form">
        <ErrorNote error={action.error} />
        <Button kind="main" className="btn--wide" busy={action.busy} onClick={() => void confirm()}>
          {t("Confirm")}
        </Button>
      </div>
    </Door>
  );
}
