import { useNavigate } from "@tanstack/react-router";
import { api, rememberSession } from "~/api/http";
import { addPasskey, passkeysWork } from "~/api/passkeys";
import type { Session } from "~/api/types";
import { t } from "~/i18n";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { AccountForm, type NewAccount } from "./AccountForm";
import { Door } from "./Door";
import { BadLink, LinkPending, useLink } from "./link";
import { useEnter } from "./useEnter";

/** The first person in becomes the owner. */
export function Setup() {
  const { token, link, error, pending } = useLink();
  const action = useAction();
  const enter = useEnter();
  const navigate = useNavigate();
  if (pending) return <LinkPending />;
  if (!link || link.kind !== "setup") return <BadLink error={error} />;

  function withPassword(account: NewAccount) {
    void action.run(async () => enter(await api.post<Session>("/setup", { token, ...account })));
  }
  function withPasskey(account: NewAccount) {
    void action.run(async () => {
      const session = rememberSession(await api.post<Session>("/setup", { token, ...account }));
      try {
        await addPasskey(t("First passkey"));
        await enter(session);
      } catch {
        // The account is there and signed in; what opens it next time is still to be chosen.
        await enter(session);
        await navigate({ to: "/", search: { panel: "security" } });
        toast(t("No passkey was made. Set a password or try again here, so that you can come back."));
      }
    });
  }
  return (
    <Door title={t("Make it yours.")} lede={t("You are the first here, so this Mecum becomes yours: you decide who else may come in and which models answer.")}>
      <AccountForm email={link.email} verb={t("Begin")} busy={action.busy} error={action.error} onSubmit={withPassword} {...(passkeysWork() ? { onPasskey: withPasskey } : {})} />
    </Door>
  );
}
