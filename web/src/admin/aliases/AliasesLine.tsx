import { lazy, Suspense, useState } from "react";
import { useLocalModel } from "~/api/client";
import type { Alias, Provider } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Panel } from "~/ui/Dialog";
import { Line } from "~/ui/Line";
import { ErrorNote } from "~/ui/Note";
import { AliasRow } from "./AliasRow";
import { useAliases } from "./data";
import { BUILT_IN } from "./words";

const AliasForm = lazy(() => import("./AliasForm"));

/** Names that stand for several models. */
export function AliasesLine({ providers }: { providers: Provider[] }) {
  const [open, setOpen] = useState<Alias | "new" | null>(null);
  const { data, error, refetch } = useAliases();
  const local = useLocalModel();
  const connected = providers.flatMap((provider) => provider.models.map((model) => model.name));
  const models = local && local.state !== "off" ? [...connected, BUILT_IN] : connected;
  const aliases = data?.items ?? [];
  const close = () => setOpen(null);
  if (connected.length === 0 && aliases.length === 0) return null;
  return (
    <Line who={t("Names")} className="block">
      <p className="lead-in">
        {t("A name can stand for several models: those that share the load, and those that stand by.")}
        {aliases.length === 0 && <span className="muted"> {t("Try mecum-fast for a quick one, and another that answers when it can’t.")}</span>}
      </p>
      <ErrorNote error={error} onRetry={() => void refetch()} />
      <ul className="rows rows--models rows--open">
        {aliases.map((alias) => (
          <AliasRow key={alias.id} alias={alias} onOpen={() => setOpen(alias)} />
        ))}
      </ul>
      <div className="form__do below">
        <Button small onClick={() => setOpen("new")}>
          {t("New name")}
        </Button>
      </div>
      <Panel open={open !== null} onClose={close} title={open === null || open === "new" ? t("A name for models") : open.name}>
        <Suspense>{open !== null && <AliasForm known={open === "new" ? undefined : open} models={models} onDone={close} />}</Suspense>
      </Panel>
    </Line>
  );
}
