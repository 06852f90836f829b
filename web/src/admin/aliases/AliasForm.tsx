import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Access, Alias } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { AccessFields } from "../AccessFields";
import { refreshModels } from "../ModelsPage";
import { TiersField } from "./TiersField";
import { placesOf, tiersOf } from "./words";

const EXAMPLE = "mecum-fast";
const EVERYBODY: Access = { kind: "everybody", organisations: [], roles: [] };

interface AliasFormProps {
  /** The one to change; absent: a new one. */
  known?: Alias | undefined;
  models: string[];
  onDone: () => void;
}

/** A name that stands for models. */
export default function AliasForm({ known, models, onDone }: AliasFormProps) {
  const [name, setName] = useState(known?.name ?? "");
  const [note, setNote] = useState(known?.note ?? "");
  const [places, setPlaces] = useState(placesOf(known?.tiers ?? []));
  const [access, setAccess] = useState(known?.access ?? EVERYBODY);
  const [hidden, setHidden] = useState(known?.hidden ?? false);
  const { busy, error, run } = useAction();
  const act = async (action: () => Promise<unknown>) => {
    const done = await run(async () => {
      await action();
      await refreshModels();
    });
    if (done) onDone();
  };

  function submit(event: FormEvent) {
    event.preventDefault();
    const body = { name: name.trim(), note: note.trim(), tiers: tiersOf(places), access, hidden };
    void act(() => (known ? api.patch(`/aliases/${known.id}`, body) : api.post("/aliases", body)));
  }
  return (
    <form className="form form--wide" onSubmit={submit}>
      <Field
        label={t("Name")}
        required
        maxLength={128}
        placeholder={EXAMPLE}
        value={name}
        onChange={(event) => setName(event.target.value)}
        help={t("What people choose and programs ask for. It stays the same when the models behind it change.")}
      />
      <Field label={t("What it is good for")} maxLength={300} value={note} onChange={(event) => setNote(event.target.value)} help={t("One line, shown where one chooses.")} />
      <TiersField models={models} places={places} onChange={setPlaces} />
      <AccessFields
        access={access}
        hidden={hidden}
        onChange={(now, isHidden) => {
          setAccess(now);
          setHidden(isHidden);
        }}
      />
      <ErrorNote error={error} />
      <div className="form__do">
        <Button kind="main" type="submit" busy={busy} disabled={places.size === 0}>
          {known ? t("Save") : t("Make the name")}
        </Button>
        <Button onClick={onDone}>{t("Cancel")}</Button>
        <span className="grow" />
        {known && (
          <Button kind="danger" disabled={busy} onClick={() => void act(() => api.delete(`/aliases/${known.id}`))}>
            {t("Remove")}
          </Button>
        )}
      </div>
    </form>
  );
}
