import { useQuery } from "@tanstack/react-query";
import { Search } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";
import type { ListedPerson } from "~/api/types";
import { t } from "~/i18n";
import { useSettled } from "~/shell/search";
import { Button } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { foundQuery } from "./data";

export interface Picked {
  id: string;
  name: string;
}

interface PersonPickerProps {
  picked: Picked | null;
  onPick: (person: Picked | null) => void;
}

/** Somebody, found by typing a part of the name or address; up, down and Enter choose. */
export function PersonPicker({ picked, onPick }: PersonPickerProps) {
  if (!picked) return <Finder onPick={onPick} />;
  return (
    <p className="picked">
      <span className="grow one-line">{picked.name}</span>
      <Button small kind="quiet" onClick={() => onPick(null)}>
        {t("Somebody else")}
      </Button>
    </p>
  );
}

function Finder({ onPick }: { onPick: (person: Picked) => void }) {
  const id = useId();
  const [words, setWords] = useState("");
  const [at, setAt] = useState(0);
  const settled = useSettled(words.trim(), 150);
  const { data } = useQuery({ ...foundQuery(settled), enabled: settled !== "", placeholderData: (before) => before });
  const found = settled ? (data?.items ?? []) : [];
  const chosen = found[Math.min(at, found.length - 1)];
  const pick = (person: ListedPerson) => onPick({ id: person.id, name: person.name || person.email });

  function onKeyDown(event: KeyboardEvent) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt(Math.max(0, Math.min(found.length - 1, at + (event.key === "ArrowDown" ? 1 : -1))));
    } else if (event.key === "Enter") {
      event.preventDefault();
      // What is listed may still be the answer to fewer letters.
      if (chosen && settled === words.trim()) pick(chosen);
    }
  }
  return (
    <div className="labelled">
      <label htmlFor={`${id}-input`}>{t("Name or address")}</label>
      <div className="field">
        <Icon of={Search} />
        <input
          id={`${id}-input`}
          role="combobox"
          autoComplete="off"
          aria-autocomplete="list"
          aria-expanded={found.length > 0}
          aria-controls={id}
          aria-activedescendant={chosen && `${id}-${chosen.id}`}
          required
          value={words}
          onChange={(event) => {
            setWords(event.target.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <ul className="found" role="listbox" id={id} aria-label={t("Found")}>
        {found.map((person) => (
          <li key={person.id} id={`${id}-${person.id}`} role="option" aria-selected={person === chosen} onClick={() => pick(person)}>
            <span className="one-line">{person.name || person.email}</span>
            {person.name && <small className="one-line">{person.email}</small>}
          </li>
        ))}
      </ul>
      {settled && data && found.length === 0 && (
        <p className="help" role="status">
          {t("Nobody of that name.")}
        </p>
      )}
    </div>
  );
}
