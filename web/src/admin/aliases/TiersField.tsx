import { t } from "~/i18n";
import { BUILT_IN, placeFor, tiersOf, tiersWords } from "./words";

const PLACES: readonly (() => string)[] = [() => t("first"), () => t("second"), () => t("third"), () => t("fourth")];

interface TiersFieldProps {
  models: string[];
  places: Map<string, number>;
  onChange: (places: Map<string, number>) => void;
}

/** Which models a name stands for, and in which order they are asked. */
export function TiersField({ models, places, onChange }: TiersFieldProps) {
  function put(name: string, place: number | null) {
    const now = new Map(places);
    if (place === null) now.delete(name);
    else now.set(name, place);
    onChange(now);
  }
  return (
    <fieldset className="many">
      <legend>{t("Which models answer")}</legend>
      <ul className="rows tiers">
        {models.map((name) => (
          <li key={name}>
            <label className="row grow">
              <input className="check" type="checkbox" checked={places.has(name)} onChange={(event) => put(name, event.target.checked ? placeFor(name, places) : null)} />
              <span className="grow">
                {name}
                {name === BUILT_IN && <small className="muted"> {t("runs on this machine")}</small>}
              </span>
            </label>
            {places.has(name) && (
              <span className="field field--s">
                <select aria-label={t("When {name} is asked", { name })} value={places.get(name)} onChange={(event) => put(name, Number(event.target.value))}>
                  {PLACES.map((words, index) => (
                    <option key={words()} value={index + 1}>
                      {words()}
                    </option>
                  ))}
                </select>
              </span>
            )}
          </li>
        ))}
      </ul>
      <p className="help">{places.size > 0 ? tiersWords(tiersOf(places)) : t("Models of the same place share the load; a later one is asked when none of the earlier can answer. The built-in one has a place of its own.")}</p>
    </fieldset>
  );
}
