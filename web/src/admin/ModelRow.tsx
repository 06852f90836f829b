import { lazy, Suspense, useState } from "react";
import { api } from "~/api/http";
import type { ProviderModel } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dots } from "~/ui/Dots";
import { number } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { accessWords } from "./AccessFields";
import { makeDefault, refreshModels } from "./ModelsPage";
import { usePriceOf } from "./prices/data";
import { priceWords } from "./prices/words";
import { TestButton } from "./TestButton";

const ModelPanel = lazy(() => import("./ModelPanel"));

export function ModelRow({ model }: { model: ProviderModel }) {
  const [open, setOpen] = useState(false);
  const { currency, priced } = usePriceOf(model.id);
  const turn = (enabled: boolean) => api.patch(`/models/${model.id}`, { enabled }).then(refreshModels).catch(toastError);
  return (
    <li data-testid="model">
      <input className="switch" type="checkbox" role="switch" aria-label={t("{name} is on", { name: model.name })} checked={model.enabled} onChange={(event) => void turn(event.target.checked)} />
      <button type="button" className="grow row__link" onClick={() => setOpen(true)}>
        <b>{model.name}</b>
        <small>
          <Dots>
            {model.upstream_model !== model.name && model.upstream_model}
            {t("{n} tokens", { n: number(model.context_tokens) })}
            {model.vision && t("sees pictures")}
            {model.native_tools && t("uses tools")}
            {model.reasoning && t("thinks")}
            {model.kind === "embedding" && t("for search")}
            {priced?.price && priceWords(priced.price, currency)}
            {accessWords(model.access, model.hidden)}
          </Dots>
        </small>
      </button>
      {model.default ? (
        <span className="tag tag--box tag--accent">{t("answers")}</span>
      ) : (
        model.enabled &&
        model.kind === "chat" && (
          <Button small kind="quiet" onClick={() => void makeDefault(model.name)}>
            {t("Let it answer")}
          </Button>
        )
      )}
      {model.kind === "chat" && <TestButton path={`/models/${encodeURIComponent(model.name)}/test`} />}
      <Suspense>{open && <ModelPanel model={model} onClose={() => setOpen(false)} />}</Suspense>
    </li>
  );
}
