import { Check, Copy, Pencil, RotateCw } from "lucide-react";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useGrow } from "~/composer/useGrow";
import { fileIcon } from "~/composer/FileChips";
import type { Attachment } from "~/api/types";
import { t } from "~/i18n";
import { Button, IconButton } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { ErrorNote } from "~/ui/Note";
import { bytes, dateAndTime, shortTime } from "~/ui/time";
import { useCopy } from "~/ui/useCopy";
import { BranchSwitch } from "./BranchSwitch";
import { useOpenThread } from "./context";
import { sendAgain, sendMessage } from "./send";
import type { Sending } from "./state/model";
import type { UserTurn } from "./state/view";

export function Side({ who, at }: { who: string; at: string | undefined }) {
  return (
    <div className="side">
      <b>{who}</b>
      {at && (
        <time dateTime={at} title={dateAndTime(at)}>
          {shortTime(at)}
        </time>
      )}
    </div>
  );
}

function Files({ files }: { files: Attachment[] }) {
  if (files.length === 0) return null;
  return (
    <div className="files">
      {files.map((file) => (
        <a key={file.id} className="chip" href={`/api/attachments/${file.id}/content`} target="_blank" rel="noopener">
          <Icon of={fileIcon(file.media_type)} small />
          <span className="chip__name">{file.name}</span> <span className="muted">{bytes(file.size_bytes)}</span>
        </a>
      ))}
    </div>
  );
}

function Said({ text }: { text: string }) {
  return <p className="said">{text}</p>;
}

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
    void sendMessage(store, { text: text.trim(), attachments, effort, model: model ?? undefined, parent });
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

export function SendingTurnView({ sending }: { sending: Sending }) {
  const { store } = useOpenThread();
  return (
    <article className="msg msg--you line" aria-label={t("You")} data-testid="sending">
      <Side who={t("You")} at={sending.at} />
      <div className={sending.error ? undefined : "sending"}>
        {sending.text && <Said text={sending.text} />}
        <Files files={sending.attachments} />
        {sending.error !== null && (
          <ErrorNote error={sending.error}>
            <Button small kind="quiet" onClick={() => store.dispatchNow({ type: "discard", clientId: sending.clientId })}>
              {t("Discard")}
            </Button>
            <Button small icon={RotateCw} onClick={() => void sendAgain(store, sending)}>
              {t("Send again")}
            </Button>
          </ErrorNote>
        )}
      </div>
    </article>
  );
}
