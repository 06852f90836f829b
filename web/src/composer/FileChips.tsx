import type { ReactNode } from "react";
import { TriangleAlert, X } from "lucide-react";
import { wordsOf } from "~/api/words";
import { t } from "~/i18n";
import { ProblemText } from "~/problems/ProblemText";
import { fileIcon } from "~/ui/fileIcon";
import { Icon } from "~/ui/Icon";
import { bytes } from "~/ui/time";
import type { Upload } from "./uploads";

function stateOf(upload: Upload): ReactNode {
  if (upload.error) return wordsOf(upload.error).what;
  if (upload.attachment?.state === "failed") return upload.attachment.problem ? <ProblemText problem={upload.attachment.problem} short /> : t("can’t be read");
  if (upload.attachment?.state === "reading") return t("being read");
  if (!upload.attachment) return `${Math.round(upload.progress * 100)} %`;
  return bytes(upload.sizeBytes);
}

/** The files of a message that is being written. */
export default function FileChips({ uploads, onRemove }: { uploads: Upload[]; onRemove: (key: string) => void }) {
  return (
    <ul className="write__files" aria-label={t("Attached files")}>
      {uploads.map((upload) => {
        const bad = Boolean(upload.error) || upload.attachment?.state === "failed";
        return (
          <li className={`chip ${bad ? "chip--bad" : ""}`} key={upload.key}>
            <Icon of={bad ? TriangleAlert : fileIcon(upload.attachment?.media_type)} small />
            <span className="chip__name">{upload.name}</span>
            <span className="muted num">{stateOf(upload)}</span>
            <button className="x" type="button" aria-label={t("Remove {name}", { name: upload.name })} onClick={() => onRemove(upload.key)}>
              <Icon of={X} small />
            </button>
            {!upload.attachment && !upload.error && <i className="chip__bar" style={{ width: `${upload.progress * 100}%` }} />}
          </li>
        );
      })}
    </ul>
  );
}
