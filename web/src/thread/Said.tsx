import { fileIcon } from "~/ui/fileIcon";
import { Icon } from "~/ui/Icon";
import { bytes, dateAndTime, shortTime } from "~/ui/time";
import type { Attachment } from "~/api/types";

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

export function Files({ files }: { files: Attachment[] }) {
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

export function Said({ text }: { text: string }) {
  return <p className="said">{text}</p>;
}
