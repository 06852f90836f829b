import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { t } from "~/i18n";
import { useSettled } from "~/shell/search";
import { Button } from "~/ui/Button";
import { Field } from "~/ui/Field";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { organisationNamesQuery, organisationsQuery } from "./organisations";

interface OrganisationChoicesProps {
  chosen: string[];
  onChange: (chosen: string[]) => void;
}

/** Some of all organisations: those that are chosen first, then what is found, page by page. */
export function OrganisationChoices({ chosen, onChange }: OrganisationChoicesProps) {
  // Whoever is taken out stays where they stood, so that they can be taken in again.
  const [first] = useState(chosen);
  const [words, setWords] = useState("");
  const settled = useSettled(words.trim(), 150);
  const all = useInfiniteQuery(organisationsQuery(""));
  const list = useInfiniteQuery({ ...organisationsQuery(settled), placeholderData: keepPreviousData });
  const named = useQuery(organisationNamesQuery(first));
  const found = list.data?.pages.flatMap((page) => page.items) ?? [];
  const names = new Map([...(named.data ?? []), ...found.map(({ id, name }) => [id, name] as const)]);
  const listed = settled ? found.map(({ id }) => id) : [...new Set([...first, ...found.map(({ id }) => id)])];
  const isLong = all.hasNextPage || (all.data?.pages.length ?? 0) > 1;

  return (
    <fieldset className="many">
      <legend className="vh">{t("Organisations")}</legend>
      {isLong && <Field label={t("Name of an organisation")} type="search" value={words} onChange={(event) => setWords(event.target.value)} />}
      <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      {list.isPending && <Skeleton />}
      {list.data && listed.length === 0 && <p className="help">{t("No organisation has this in its name.")}</p>}
      {listed.map((id) => (
        <label key={id} className="row">
          <input className="check" type="checkbox" checked={chosen.includes(id)} onChange={(event) => onChange(event.target.checked ? [...chosen, id] : chosen.filter((other) => other !== id))} />
          {names.get(id) ?? (named.isPending ? id : t("An organisation that is gone"))}
        </label>
      ))}
      {isLong && chosen.length > 0 && <p className="help">{t("Chosen: {n}", { n: chosen.length })}</p>}
      {list.hasNextPage && (
        <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </fieldset>
  );
}
