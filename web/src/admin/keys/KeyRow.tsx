import { useState } from "react";
import { api } from "~/api/http";
import type { Provider, ProviderKey } from "~/api/types";
import { t } from "~/i18n";
import { ProblemText } from "~/problems/ProblemText";
import { Button } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { Dots } from "~/ui/Dots";
import { number, shortTime } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { refreshModels } from "../ModelsPage";
import { TestButton } from "../TestButton";
import { KeyForm } from "./KeyForm";
import { HEALTH, keyName } from "./words";

function Facts({ known }: { known: ProviderKey }) {
  const { calls_max, tokens_per_minute } = known.limits;
  return (
    <Dots>
      {known.paused ? t("paused") : (known.state !== "unknown" || !known.used_at) && HEALTH[known.state]()}
      {known.used_at && t("last asked {time}", { time: shortTime(known.used_at) })}
      {known.failed_at && t("last failed {time}", { time: shortTime(known.failed_at) })}
      {calls_max !== null && t("{n, plural, one {# request at once} other {# requests at once}}", { n: calls_max })}
      {tokens_per_minute !== null && t("{n} tokens a minute", { n: number(tokens_per_minute) })}
    </Dots>
  );
}

/** A key: how it fares and why, a live test, pause, change, remove. */
export function KeyRow({ provider, known }: { provider: Provider; known: ProviderKey }) {
  const [open, setOpen] = useState<"form" | "remove" | null>(null);
  const path = `/providers/${provider.id}/keys/${known.id}`;
  const close = () => setOpen(null);
  const turn = (on: boolean) => api.patch(path, { paused: !on }).then(refreshModels).catch(toastError);
  return (
    <li data-testid="key">
      <input className="switch" type="checkbox" role="switch" aria-label={t("{name} is asked", { name: keyName(known) })} checked={!known.paused} onChange={(event) => void turn(event.target.checked)} />
      <button type="button" className="grow row__link" aria-expanded={open === "form"} onClick={() => setOpen(open === "form" ? null : "form")}>
        <b>{keyName(known)}</b>
        <small>
          <Facts known={known} />
        </small>
      </button>
      <TestButton path={`${path}/test`} disabled={provider.models.length === 0} onDone={refreshModels} />
      {known.state === "failing" && known.problem && (
        <p className="help help--bad below">
          <ProblemText problem={known.problem} />
        </p>
      )}
      {open === "form" && (
        <div className="below">
          <KeyForm provider={provider} known={known} onDone={close} onRemove={() => setOpen("remove")} />
        </div>
      )}
      <Confirm
        open={open === "remove"}
        onClose={close}
        danger
        title={t("Remove {name}?", { name: keyName(known) })}
        text={provider.keys.length > 1 ? t("The others go on. Here it is forgotten for good; at the provider it stays valid.") : t("Without its last key the provider is asked without any. There the key stays valid.")}
        verb={t("Remove")}
        onConfirm={async () => {
          await api.delete(path);
          await refreshModels();
        }}
      />
    </li>
  );
}

export function NewKey({ provider }: { provider: Provider }) {
  const [open, setOpen] = useState(false);
  if (open) return <KeyForm provider={provider} onDone={() => setOpen(false)} />;
  return (
    <div className="form__do">
      <Button small onClick={() => setOpen(true)}>
        {provider.has_key ? t("Add another key") : t("Add a key")}
      </Button>
    </div>
  );
}
