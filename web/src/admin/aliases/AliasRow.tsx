import { api } from "~/api/http";
import type { Alias } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dots } from "~/ui/Dots";
import { number } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { accessWords } from "../AccessFields";
import { makeDefault, refreshModels } from "../ModelsPage";
import { tiersWords } from "./words";

/** A name with the models behind it, and the least that they promise. */
export function AliasRow({ alias, onOpen }: { alias: Alias; onOpen: () => void }) {
  const turn = (enabled: boolean) => api.patch(`/aliases/${alias.id}`, { enabled }).then(refreshModels).catch(toastError);
  return (
    <li data-testid="alias">
      <input className="switch" type="checkbox" role="switch" aria-label={t("{name} is on", { name: alias.name })} checked={alias.enabled} onChange={(event) => void turn(event.target.checked)} />
      <button type="button" className="grow row__link" onClick={onOpen}>
        <b>{alias.name}</b>
        <small>
          <Dots>
            {tiersWords(alias.tiers)}
            {alias.context_tokens !== null && t("{n} tokens", { n: number(alias.context_tokens) })}
            {alias.vision && t("sees pictures")}
            {alias.native_tools && t("uses tools")}
            {alias.reasoning && t("thinks")}
            {accessWords(alias.access, alias.hidden)}
          </Dots>
          {alias.note}
        </small>
      </button>
      {alias.default ? (
        <span className="tag tag--box tag--accent">{t("answers")}</span>
      ) : (
        alias.context_tokens !== null &&
        alias.kind === "chat" && (
          <Button small kind="quiet" onClick={() => void makeDefault(alias.name)}>
            {t("Let it answer")}
          </Button>
        )
      )}
    </li>
  );
}
