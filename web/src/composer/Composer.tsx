import { ArrowUp, Paperclip, Square } from "lucide-react";
import { type ClipboardEvent, type FormEvent, type KeyboardEvent, lazy, memo, Suspense, useEffect, useRef, useState } from "react";
import { useModels } from "~/api/client";
import { canThink } from "~/api/router";
import type { Attachment, Effort } from "~/api/types";
import { t } from "~/i18n";
import { IconButton } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { useStable } from "~/ui/useStable";
import { EMPTY_DRAFT, readDraft, writeDraft } from "./draft";
import { ModelMenu } from "./ModelMenu";
import { useDrop } from "./useDrop";
import { useGrow } from "./useGrow";
import { useShrink } from "./useShrink";
import { useUploads } from "./uploads";

export interface Written {
  text: string;
  attachments: Attachment[];
  effort: Effort;
  model: string | undefined;
}

interface ComposerProps {
  /** The thread, or "new". Mount it with this as its key. */
  draftKey: string;
  placeholder: string;
  running: boolean;
  /** Whether what is written is kept on this device until it is sent; undefined while that is not known. */
  keep: boolean | undefined;
  onSend: (written: Written) => void;
  onStop?: () => void;
  /** Arrow up in an empty composer. */
  onEditLast?: () => void;
  /** Text to put in place of the draft, each time it is given anew. */
  start?: { text: string } | undefined;
  /** How the last message of the thread was to be answered; it holds until another choice is made here. */
  lastEffort?: Effort | undefined;
}

// Many houses have nothing that can think.
const EffortChoice = lazy(() => import("./EffortChoice"));
// Most messages have no files.
const FileChips = lazy(() => import("./FileChips"));
const touch = window.matchMedia("(pointer: coarse) and (hover: none)");

export const Composer = memo(function Composer({ draftKey, placeholder, running, keep, onSend, onStop, onEditLast, start, lastEffort }: ComposerProps) {
  const [draft] = useState(() => readDraft(draftKey));
  const [text, setText] = useState(draft.text);
  const [chosen, setChosen] = useState<Effort>();
  const effort = chosen ?? lastEffort ?? "auto";
  const [model, setModel] = useState<string>();
  const thinks = canThink(useModels(), model);
  const uploads = useUploads(draft.attachments);
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const shrunk = useShrink() && text === "" && uploads.list.length === 0;
  const dragging = useDrop(uploads.add);
  useGrow(area, text);

  const save = useStable(() => {
    if (keep !== undefined) writeDraft(draftKey, keep ? { text, attachments: uploads.attachments } : EMPTY_DRAFT);
  });
  useEffect(() => {
    const timer = setTimeout(save, 300);
    return () => clearTimeout(timer);
  }, [save, keep, text, uploads.attachments]);
  // Who leaves in the middle of a word finds it again.
  useEffect(() => {
    window.addEventListener("pagehide", save);
    return () => {
      window.removeEventListener("pagehide", save);
      save();
    };
  }, [save]);

  useEffect(() => {
    if (start) setText(start.text);
    if (!touch.matches || start) area.current?.focus();
  }, [start]);

  const ready = uploads.settled && (text.trim() !== "" || uploads.attachments.length > 0);

  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (!ready) return;
    onSend({ text: text.trim(), attachments: uploads.attachments, effort, model });
    setText("");
    uploads.clear();
    writeDraft(draftKey, EMPTY_DRAFT);
    area.current?.focus();
  }

  function onKeyDown(event: KeyboardEvent<HTMLTextAreaElement>) {
    // While a word is put together (Chinese, Japanese), Enter belongs to the input method.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey && !touch.matches) submit(event);
    else if (event.key === "ArrowUp" && text === "" && onEditLast) {
      event.preventDefault();
      onEditLast();
    } else if (event.key === "Escape") event.currentTarget.blur();
  }

  function onPaste(event: ClipboardEvent) {
    const files = [...event.clipboardData.files];
    if (files.length === 0) return;
    event.preventDefault();
    uploads.add(files);
  }

  return (
    <div className="composer" data-shrunk={shrunk || undefined}>
      <div className="composer__in">
        <form className={`write ${dragging ? "write--drop" : ""}`} onSubmit={submit}>
          <Suspense>{uploads.list.length > 0 && <FileChips uploads={uploads.list} onRemove={uploads.remove} />}</Suspense>
          <label className="vh" htmlFor="write">
            {t("Write to Mecum")}
          </label>
          <textarea
            id="write"
            ref={area}
            rows={1}
            placeholder={dragging ? t("Drop files here") : placeholder}
            value={text}
            enterKeyHint={touch.matches ? "enter" : "send"}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={onKeyDown}
            onPaste={onPaste}
          />
          <div className="write__row">
            <IconButton icon={Paperclip} label={t("Attach a file")} onClick={() => picker.current?.click()} />
            <input
              ref={picker}
              type="file"
              multiple
              hidden
              data-testid="file-input"
              onChange={(event) => {
                uploads.add(event.target.files ?? []);
                event.target.value = "";
              }}
            />
            <span className="grow" />
            <ModelMenu value={model} onChange={setModel} />
            <Suspense>
              {thinks && <EffortChoice value={effort} onChange={setChosen} />}
            </Suspense>
            {running && onStop && (
              <button type="button" className="send send--stop" aria-label={t("Stop")} title={t("Stop")} onClick={onStop}>
                <Icon of={Square} />
              </button>
            )}
            {(!running || ready || !onStop) && (
              <button type="submit" className="send" aria-label={t("Send")} title={t("Send")} disabled={!ready}>
                <Icon of={ArrowUp} />
              </button>
            )}
          </div>
        </form>
      </div>
    </div>
  );
});
