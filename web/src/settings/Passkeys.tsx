import { useQuery } from "@tanstack/react-query";
import { Fingerprint, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { queryClient, sessionQuery } from "~/api/client";
import { api } from "~/api/http";
import { addPasskey, isCancelled, passkeysWork } from "~/api/passkeys";
import type { List, Passkey } from "~/api/types";
import { t } from "~/i18n";
import { Button, IconButton } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { Icon } from "~/ui/Icon";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { NameDialog } from "~/ui/NameDialog";
import { date } from "~/ui/time";
import { useAction } from "~/ui/useAction";

const KEY = ["me", "passkeys"];

async function refresh() {
  await Promise.all([queryClient.invalidateQueries({ queryKey: KEY }), queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey })]);
}

function deviceName(): string {
  const system = /Windows|Android|iPhone|iPad|Mac|Linux/.exec(navigator.userAgent)?.[0];
  return system ?? t("This device");
}

function Row({ passkey }: { passkey: Passkey }) {
  const [dialog, setDialog] = useState<"name" | "remove" | null>(null);
  const close = () => setDialog(null);
  return (
    <li>
      <Icon of={Fingerprint} />
      <span className="grow">
        <b>{passkey.name}</b>
        <small>
          {passkey.last_used_at
            ? t("Made {made}, last used {used}", { made: date(passkey.created_at), used: date(passkey.last_used_at) })
            : t("Made {made}, not used yet", { made: date(passkey.created_at) })}
        </small>
        {!passkey.works_here && <small>{t("It belongs to {host} and does not work here. Make a new one.", { host: passkey.host ?? "" })}</small>}
      </span>
      <IconButton small icon={Pencil} label={t("Rename {name}", { name: passkey.name })} onClick={() => setDialog("name")} />
      <IconButton small icon={Trash2} label={t("Remove {name}", { name: passkey.name })} onClick={() => setDialog("remove")} />
      {dialog === "name" && (
        <NameDialog
          title={t("Name of the passkey")}
          label={t("Name")}
          value={passkey.name}
          onClose={close}
          onSave={async (name) => {
            await api.patch(`/me/passkeys/${passkey.id}`, { name });
            await refresh();
          }}
        />
      )}
      <Confirm
        open={dialog === "remove"}
        onClose={close}
        danger
        title={t("Remove this passkey?")}
        text={t("“{name}” opens nothing here any more. Remove it from the device as well, in its own settings.", { name: passkey.name })}
        verb={t("Remove")}
        onConfirm={async () => {
          await api.delete(`/me/passkeys/${passkey.id}`);
          await refresh();
        }}
      />
    </li>
  );
}

export function Passkeys() {
  const list = useQuery({ queryKey: KEY, queryFn: ({ signal }) => api.get<List<Passkey>>("/me/passkeys", signal) });
  const { busy, error, run } = useAction();
  const add = () =>
    run(async () => {
      try {
        await addPasskey(deviceName());
      } catch (caught) {
        if (!isCancelled(caught)) throw caught;
      }
      await refresh();
    });
  return (
    <section>
      <h3>{t("Passkeys")}</h3>
      <p className="lede">{t("Sign in with your finger, your face or the code of your device. Nothing to remember, nothing to steal.")}</p>
      {list.isPending && <Skeleton lines={2} />}
      <ul className="rows">
        {list.data?.items.map((passkey) => (
          <Row key={passkey.id} passkey={passkey} />
        ))}
      </ul>
      <ErrorNote error={error ?? list.error} />
      <div className="form__do">
        {passkeysWork() ? (
          <Button small busy={busy} onClick={() => void add()}>
            {t("Add a passkey")}
          </Button>
        ) : (
          <p className="muted small">{t("Passkeys need https, or localhost.")}</p>
        )}
      </div>
    </section>
  );
}
