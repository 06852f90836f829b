import { lazy, Suspense, useState } from "react";
import { api } from "~/api/http";
import type { Provider } from "~/api/types";
import { t } from "~/i18n";
import { ProblemText } from "~/problems/ProblemText";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { keysWords } from "./keys/words";
import { ModelRow } from "./ModelRow";
import { refreshModels } from "./ModelsPage";

const KeysPanel = lazy(() => import("./keys/KeysPanel"));
const ProviderDialog = lazy(() => import("./ProviderDialog"));

const STATES: Record<Provider["state"], () => string> = {
  ok: () => t("works"),
  failing: () => t("can’t be reached"),
  unknown: () => t("not asked yet"),
};

export function ProviderCard({ provider }: { provider: Provider }) {
  const [dialog, setDialog] = useState<"change" | "keys" | "remove" | null>(null);
  const close = () => setDialog(null);
  return (
    <article className="card" aria-label={provider.name} data-testid="provider">
      <header className="card__who">
        <div className="card__name grow">
          <b>{provider.name}</b> <small>
            <span className="sep">· </span>
            {provider.base_url}
          </small>
        </div>
        <span className={`tag tag--box ${provider.state === "failing" ? "tag--warn" : ""}`}>{STATES[provider.state]()}</span>
      </header>
      <div className="card__what">
        {provider.problem && provider.state === "failing" && (
          <p className="help help--bad">
            <ProblemText problem={provider.problem} />
          </p>
        )}
        {provider.models.length === 0 && <p className="muted">{t("None of its models is connected.")}</p>}
        <ul className="rows rows--models">
          {provider.models.map((model) => (
            <ModelRow key={model.id} model={model} />
          ))}
        </ul>
      </div>
      <footer className="card__do">
        <span className="grow">{keysWords(provider)}</span>
        <Button small kind="danger" onClick={() => setDialog("remove")}>
          {t("Disconnect")}
        </Button>
        <Button small onClick={() => setDialog("keys")}>
          {t("Keys")}
        </Button>
        <Button small onClick={() => setDialog("change")}>
          {t("Change")}
        </Button>
      </footer>
      <Suspense>
        {dialog === "change" && <ProviderDialog provider={provider} onClose={close} />}
        {dialog === "keys" && <KeysPanel provider={provider} onClose={close} />}
      </Suspense>
      <Confirm
        open={dialog === "remove"}
        onClose={close}
        danger
        title={t("Disconnect {name}?", { name: provider.name })}
        text={t("Its models and its keys are forgotten here. Conversations stay.")}
        verb={t("Disconnect")}
        onConfirm={async () => {
          await api.delete(`/providers/${provider.id}`);
          await refreshModels();
        }}
      />
    </article>
  );
}
