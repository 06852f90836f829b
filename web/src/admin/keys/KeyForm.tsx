import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Provider, ProviderKey } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { refreshModels } from "../ModelsPage";

const whole = (text: string): number | null => (text.trim() ? Number(text) : null);

interface KeyFormProps {
  provider: Provider;
  /** The one to change; absent: a new one. */
  known?: ProviderKey;
  onDone: () => void;
  onRemove?: () => void;
}

/** A key with its name and the limits of its account. */
export function KeyForm({ provider, known, onDone, onRemove }: KeyFormProps) {
  const [name, setName] = useState(known?.name ?? "");
  const [key, setKey] = useState("");
  const [calls, setCalls] = useState(String(known?.limits.calls_max ?? ""));
  const [tokens, setTokens] = useState(String(known?.limits.tokens_per_minute ?? ""));
  const { busy, error, run } = useAction();

  async function submit(event: FormEvent) {
    event.preventDefault();
    const limits = { calls_max: whole(calls), tokens_per_minute: whole(tokens) };
    const done = await run(async () => {
      if (known) await api.patch(`/providers/${provider.id}/keys/${known.id}`, { name: name.trim(), limits, ...(key ? { key } : {}) });
      else await api.post(`/providers/${provider.id}/keys`, { name: name.trim(), key, limits });
      await refreshModels();
    });
    if (done) onDone();
  }
  return (
    <form className="form form--wide" onSubmit={submit}>
      <Field label={t("Name")} maxLength={100} placeholder={t("Team account")} value={name} onChange={(event) => setName(event.target.value)} />
      <Field
        label={known?.has_key ? t("Another key in its place") : t("Key")}
        type="password"
        autoComplete="off"
        required={!known}
        value={key}
        onChange={(event) => setKey(event.target.value)}
        help={known?.has_key ? t("Leave it empty to keep the one that is there.") : t("Kept encrypted, never shown again.")}
      />
      <div className="pair pair--tight">
        <Field label={t("Requests at once")} type="number" min={1} placeholder={t("no limit")} value={calls} onChange={(event) => setCalls(event.target.value)} />
        <Field label={t("Tokens a minute")} type="number" min={1} placeholder={t("no limit")} value={tokens} onChange={(event) => setTokens(event.target.value)} />
      </div>
      <p className="muted small">{t("State limits only where the provider has them: what it takes otherwise is measured.")}</p>
      <ErrorNote error={error} />
      <div className="form__do">
        <Button kind="main" type="submit" busy={busy}>
          {known ? t("Save") : t("Add the key")}
        </Button>
        <Button onClick={onDone}>{t("Cancel")}</Button>
        <span className="grow" />
        {known?.has_key && (
          <Button kind="danger" onClick={onRemove}>
            {t("Remove")}
          </Button>
        )}
      </div>
    </form>
  );
}
