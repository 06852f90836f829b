import { Check, Copy, Pencil } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useGrow } from "~/composer/useGrow";
import { t } from "~/i18n";
import { Button, IconButton } from "~/ui/Button";
import { useCopy } from "~/ui/useCopy";
import { BranchSwitch } from "./BranchSwitch";
import { useOpenThread } from "./context";
import { Files, Said, Side } from "./Said";
import { sendMessage } from "./send";
import type { UserTurn } from "./state/view";

function Edit({ turn }: { turn: UserTurn }) {
  const { store, setEditing } = useOpenThread();
  const [text, setText] = useState(turn.node.text);
  const area = useRef<HTMLTextAreaElement>(null);
  useGrow(area, text);
  useEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
  }, []);

  function submit() {
    if (!text.trim()) return;
    setEditing(null);
    const { attachments, effort, model, parent } = turn.node;
    sendMessage(store, { text: text.trim(), attachments, effort, model: model ?? undefined, parent });
  }
  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape") setEditing(null);
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    }
  }
  return (
    <div className="edit">
      <div className="field">
        <textarea ref={area} aria-label={t("Change your message")} rows={1} value={text} onChange={(event) => setText(event.target.value)} onKeyDown={onKeyDown} />
      </div>
      <div className="row edit__do">
        <span className="grow muted small">{t("The old one stays: turn the page with the arrows below.")}</span>
        <Button kind="quiet" small onClick={() => setEditing(null)}>
          {t("Cancel")}
        </Button>
        <Button small onClick={submit} disabled={!text.trim()}>
          {t("Send")}
        </Button>
      </div>
    </div>
  );
}

export function UserTurnView({ turn }: { turn: UserTurn }) {
  const { editing, setEditing } = useOpenThread();
  const [copied, copy] = useCopy();
  const { node } = turn;
  return (
    <article className="msg msg--you line" id={node.id} aria-label={t("You")}>
      <Side who={t("You")} at={node.at} />
      <div>
        {editing === node.id ? (
          <Edit turn={turn} />
        ) : (
          <>
            {node.erased ? <p className="muted">{t("This message was erased.")}</p> : node.text && <Said text={node.text} />}
            <Files files={node.attachments} />
            <div className="under">
              <BranchSwitch siblings={turn.siblings} />
              {!node.erased && (
                <span className="under__tools">
                  <IconButton small icon={copied ? Check : Copy} label={copied ? t("Copied") : t("Copy")} onClick={() => copy(node.text)} />
                  <IconButton small icon={Pencil} label={t("Change and ask again")} onClick={() => setEditing(node.id)} />
                </span>
              )}
            </div>
          </>
        )}
      </div>
    </article>
  );
}
