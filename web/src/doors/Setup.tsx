import { api } from "~/api/http";
import { addPasskey, passkeysWork } from "~/api/passkeys";
import { rememberSession } from "~/api/http";
import type { Session } from "~/api/types";
import { t } from "~/i18n";
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
  if (pending) return <LinkPending />;
  if (!link || link.kind !== "setup") return <BadLink error={error} />;

  function withPassword(account: NewAccount) {
    void action.run(async () => enter(await api.post<Session>("/setup", { token, ...account })));
  }
  function withPasskey(account: NewAccount) {
    void action.run(async () => {
      const session = rememberSession(await api.post<Session>("/setup", { token, ...account }));
      await addPasskey(t("First passkey"));
      await enter(session);
    });
  }
  return (
    <Door title={t("Make it yours.")} lede={t("You are the first here, so this Mecum becomes yours: you decide who else may come in and which models answer.")}>
      <AccountForm email={link.email} verb={t("Begin")} busy={action.busy} error={action.error} onSubmit={withPassword} {...(passkeysWork() ? { onPasskey: withPasskey } : {})} />
    </Door>
  );
}
