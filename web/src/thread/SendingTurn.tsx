import { RotateCw } from "lucide-react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { ErrorNote } from "~/ui/Note";
import { discard, isWaiting, sendAgain } from "./outbox";
import { Files, Said, Side } from "./Said";
import type { Sending } from "./state/model";

/** A message of mine that is on its way, or could not go. */
export function SendingTurnView({ sending }: { sending: Sending }) {
  return (
    <article className="msg msg--you line" aria-label={t("You")} data-testid="sending">
      <Side who={t("You")} at={sending.at} />
      <div className={sending.error ? undefined : "sending"}>
        {sending.text && <Said text={sending.text} />}
        <Files files={sending.attachments} />
        {sending.error !== null && (
          <ErrorNote error={sending.error} hint={isWaiting(sending) ? t("I keep it here and send it as soon as I can.") : undefined}>
            <Button small kind="quiet" onClick={() => discard(sending.clientId)}>
              {t("Discard")}
            </Button>
            <Button small icon={RotateCw} onClick={() => sendAgain(sending.clientId)}>
              {t("Send again")}
            </Button>
          </ErrorNote>
        )}
      </div>
    </article>
  );
}
