import { Link } from "@tanstack/react-router";
import { useInstallation } from "~/api/client";
import { api } from "~/api/http";
import type { Session } from "~/api/types";
import { t } from "~/i18n";
import { useAction } from "~/ui/useAction";
import { AccountForm } from "./AccountForm";
import { Door } from "./Door";
import { BadLink, LinkPending, useLink } from "./link";
import { useEnter } from "./useEnter";

/** A new account: by invitation, or by oneself where that is open. */
export function SignUp() {
  const { token, link, error, pending } = useLink();
  const { sign_up } = useInstallation();
  const action = useAction();
  const enter = useEnter();
  if (pending) return <LinkPending />;
  if (token !== undefined && link?.kind !== "invitation") return <BadLink error={error} />;
  const foot = (
    <Link className="textbtn" to="/sign-in">
      {t("I have an account")}
    </Link>
  );
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
