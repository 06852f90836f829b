import { FileText } from "lucide-react";
import type { Found } from "~/api/types";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";

/** The words around what was found. They are text, whatever they look like. */
export function Excerpt({ found }: { found: Found }) {
  const parts = found.snippet.map((part, at) => ({ ...part, key: `${at}` }));
  return <>{parts.map((part) => (part.hit ? <mark key={part.key}>{part.text}</mark> : part.text))}</>;
}

/** In what it was found, where the words themselves don't say it. */
export function Where({ found }: { found: Found }) {
  if (found.where === "title") return <span className="found__where">{t("In the title")}</span>;
  if (!found.file) return null;
  const { name, anchor } = found.file;
  return (
    <span className="found__where">
      <Icon of={FileText} small />
      {anchor.page === undefined ? name : t("{name}, page {page}", { name, page: anchor.page })}
    </span>
  );
}
