import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Protocol, Provider } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";
import { makeDefault, refreshModels } from "./ModelsPage";
import { ProtocolField } from "./ProtocolField";
import { guessProtocol } from "./protocols";
import { TestButton } from "./TestButton";

interface Found {
  id: string;
  kind?: string | null;
  context_tokens: number;
}

const MOST_SHOWN = 200;

/** "api.example.com" of an address: a name until one is given. */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : "";
}

/** A model to connect, with what its provider says of it; one that was typed is guessed by the server. */
function toConnect(id: string, found: Found[] | null) {
  const listed = found?.find((model) => model.id === id);
  return listed ? { upstream_model: id, context_tokens: listed.context_tokens } : id;
}

function Choices({ found, chosen, onChange }: { found: Found[]; chosen: string[]; onChange: (chosen: string[]) => void }) {
  const [words, setWords] = useState("");
  const shown = found.filter((model) => model.id.toLowerCase().includes(words.trim().toLowerCase())).slice(0, MOST_SHOWN);
  return (
    <fieldset className="many">
      <legend>{t("Which of them")}</legend>
      {found.length > 8 && (
        <div className="field">
          <input type="search" aria-label={t("Find a model")} placeholder={t("Find a model")} value={words} onChange={(event) => setWords(event.target.value)} />
        </div>
      )}
      <div className="many__list">
        {shown.map((model) => (
          <label key={model.id} className="row">
            <input
              className="check"
              type="checkbox"
              checked={chosen.includes(model.id)}
              onChange={(event) => onChange(event.target.checked ? [...chosen, model.id] : chosen.filter((other) => other !== model.id))}
            />
            <span className="grow">{model.id}</span>
            {model.kind === "embedding" && <small className="muted">{t("for search")}</small>}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** Address and key, then which of its models; a real call before anything is kept. */
export function Connect({ onDone }: { onDone: () => void }) {
  const [url, setUrl] = useState("");
  const [told, setTold] = useState<Protocol | null>(null);
  const [key, setKey] = useState("");
  const [name, setName] = useState("");
  const [found, setFound] = useState<Found[] | null>(null);
  const [chosen, setChosen] = useState<string[]>([]);
  const [typed, setTyped] = useState("");
  const [answers, setAnswers] = useState(true);
  const look = useAction();
  const save = useAction();
  const base_url = url.trim();
  const kind = told ?? guessProtocol(base_url);
  const where = { base_url, kind, ...(key ? { key } : {}) };
  const models = typed.trim() ? [typed.trim(), ...chosen] : chosen;

  const discover = () =>
    void look.run(async () => {
      setFound(null);
      const { models: all } = await api.post<{ models: Found[] }>("/providers/discover", where);
      setFound(all);
      setChosen(all.length === 1 && all[0] ? [all[0].id] : []);
    });

  async function submit(event: FormEvent) {
    event.preventDefault();
    const done = await save.run(async () => {
      const provider = await api.post<Provider>("/providers", { name: name.trim() || hostOf(base_url), models: models.map((id) => toConnect(id, found)), ...where });
      const first = provider.models.find((model) => model.kind === "chat");
      if (answers && first) await makeDefault(first.name);
      await refreshModels();
      toast(t("{name} is connected.", { name: provider.name }));
    });
    if (done) onDone();
  }

  return (
    <form className="form" onSubmit={submit}>
      <p>{t("A service with a key, or a model server of your own.")}</p>
      <Field
        label={t("Address")}
        type="url"
        required
        autoFocus
        placeholder="https://api.example.com/v1"
        value={url}
        onChange={(event) => setUrl(event.target.value)}
        help={t("It mostly ends in /v1. Ollama on this machine: http://localhost:11434/v1")}
      />
      <ProtocolField value={kind} onChange={setTold} />
      <Field label={t("Key")} type="password" autoComplete="off" value={key} onChange={(event) => setKey(event.target.value)} help={t("Kept encrypted, never shown again. Leave it empty where none is asked for.")} />
      <div className="form__do">
        <Button busy={look.busy} disabled={!URL.canParse(base_url)} onClick={discover}>
          {t("Find its models")}
        </Button>
      </div>
      <ErrorNote error={look.error} />
      {found && found.length > 0 && <Choices found={found} chosen={chosen} onChange={setChosen} />}
      {(found?.length === 0 || look.error !== null) && (
        <Field label={t("Name of the model")} value={typed} onChange={(event) => setTyped(event.target.value)} help={t("As the provider calls it.")} />
      )}
      {models.length > 0 && (
        <>
          <TestButton path="/providers/test" body={() => ({ ...where, model: models[0] })} />
          <Field label={t("Name of the provider")} placeholder={hostOf(base_url)} maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />
          <label className="row">
            <input className="check" type="checkbox" checked={answers} onChange={(event) => setAnswers(event.target.checked)} />
            {t("From now on it answers, unless somebody chooses another")}
          </label>
        </>
      )}
      <ErrorNote error={save.error} />
      <div className="form__do">
        <Button kind="main" type="submit" busy={save.busy} disabled={models.length === 0 || !base_url}>
          {t("Connect")}
        </Button>
      </div>
    </form>
  );
}
