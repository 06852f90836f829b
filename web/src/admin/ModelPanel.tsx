import { useState } from "react";
import { api } from "~/api/http";
import type { ProviderModel } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Confirm, Panel } from "~/ui/Dialog";
import { AccessSection } from "./AccessSection";
import { ModelForm } from "./ModelForm";
import { refreshModels } from "./ModelsPage";
import { PriceSection } from "./prices/PriceSection";

/** Everything of one model: what it is called and can do, what it costs, who may use it. */
export default function ModelPanel({ model, onClose }: { model: ProviderModel; onClose: () => void }) {
  const [asking, setAsking] = useState(false);
  return (
    <Panel open onClose={onClose} title={model.name}>
      <ModelForm model={model} />
      <PriceSection model={model.id} />
      <AccessSection model={model} />
      <section>
        <h3>{t("Take it out")}</h3>
        <p className="muted">{t("Conversations with it stay; what it has cost stays counted.")}</p>
        <Button kind="danger" small onClick={() => setAsking(true)}>
          {t("Remove {name}", { name: model.name })}
        </Button>
      </section>
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title={t("Remove {name}?", { name: model.name })}
        text={t("Nobody can choose it any more, and programs that name it are refused.")}
        verb={t("Remove")}
        onConfirm={async () => {
          await api.delete(`/models/${model.id}`);
          onClose();
          await refreshModels();
        }}
      />
    </Panel>
  );
}
