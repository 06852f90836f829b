import * as Radix from "@radix-ui/react-dialog";
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { FileText, type LucideIcon, Search } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { searchQuery, threadsQuery } from "~/api/threads";
import type { Found, Thread } from "~/api/types";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { useCommands } from "./commands";
import { Place } from "./Excerpt";
import { useSettled } from "./search";

export interface Entry {
  key: string;
  icon: LucideIcon;
  label: string;
  detail?: ReactNode;
  note?: string;
  run: () => void;
}

const MOST_PAGES = 8;
const NEWEST_PAGES = 5;

function matches(label: string, words: string): boolean {
  const text = label.toLocaleLowerCase();
  return words.toLocaleLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** Pages whose title, messages or files have the words, with the best place of each; without words the newest. */
function usePages(words: string): Entry[] {
  const navigate = useNavigate();
  const settled = useSettled(words, 150);
  const found = useInfiniteQuery({ ...searchQuery(settled), enabled: settled !== "" });
  const recent = useInfiniteQuery(threadsQuery("open"));
  const entry = (thread: Thread, place?: Found): Entry => ({
    key: thread.id,
    icon: FileText,
    label: thread.title || t("Untitled page"),
    detail: place && place.where !== "title" && <Place found={place} />,
    run: () => void navigate({ to: "/t/$thread", params: { thread: thread.id }, hash: place?.message ?? "" }),
  });
  if (words === "") return (recent.data?.pages[0]?.items ?? []).slice(0, NEWEST_PAGES).map((thread) => entry(thread));
  const places = found.data?.pages[0]?.items ?? [];
  const best = places.filter((place, at) => places.findIndex((other) => other.thread.id === place.thread.id) === at);
  return best.slice(0, MOST_PAGES).map((place) => entry(place.thread, place));
}

export default function Palette({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const id = useId();
  const client = useQueryClient();
  const words = text.trim();
  const commands = useCommands(client).filter((entry) => words === "" || matches(entry.label, words));
  const pages = usePages(words);
  const groups = [
    { name: t("Pages"), entries: pages },
    { name: t("Do"), entries: commands },
  ].filter((group) => group.entries.length > 0);
  const all = groups.flatMap((group) => group.entries);
  const chosen = all[Math.min(at, all.length - 1)];

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  });

  function run(entry: Entry | undefined) {
    if (!entry) return;
    onClose();
    entry.run();
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setAt((old) => (Math.min(old, all.length - 1) + (event.key === "ArrowDown" ? 1 : all.length - 1)) % Math.max(1, all.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(chosen);
    }
  }

  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="scrim" />
        <Radix.Content className="palette" aria-describedby={undefined}>
          <Radix.Title className="vh">{t("Find a page or a command")}</Radix.Title>
          <div className="palette__in">
            <Icon of={Search} />
            <input
              role="combobox"
              aria-expanded="true"
              aria-controls={id}
              aria-activedescendant={chosen ? `${id}-${chosen.key}` : undefined}
              aria-label={t("Find a page or a command")}
              placeholder={t("Find a page or a command")}
              value={text}
              onChange={(event) => {
                setText(event.target.value);
                setAt(0);
              }}
              onKeyDown={onKeyDown}
            />
            <kbd>Esc</kbd>
          </div>
          <div className="palette__list" role="listbox" id={id} ref={list} aria-label={t("Found")}>
            {groups.map((group) => (
              <div role="group" aria-label={group.name} key={group.name}>
                <p className="palette__group">{group.name}</p>
                {group.entries.map((entry) => (
                  <div
                    key={entry.key}
                    id={`${id}-${entry.key}`}
                    role="option"
                    tabIndex={-1}
                    aria-selected={entry === chosen}
                    onPointerMove={() => setAt(all.indexOf(entry))}
                    onClick={() => run(entry)}
                    onKeyDown={onKeyDown}
                  >
                    <Icon of={entry.icon} />
                    <span className="grow">
                      {entry.label}
                      {entry.detail && <small>{entry.detail}</small>}
                    </span>
                    {entry.note && <kbd>{entry.note}</kbd>}
                  </div>
                ))}
              </div>
            ))}
            {all.length === 0 && <p className="palette__group">{t("Nothing found. Try fewer or other words.")}</p>}
          </div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
