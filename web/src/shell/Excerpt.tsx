import { FileText } from "lucide-react";
import type { Found } from "~/api/types";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";

/** The words around what was found. They are text, whatever they look like. */
export function Excerpt({ found }: { found: Found }) {
  const parts = found.snippet.map((part, at) => ({ ...part, key: `${at}` }));
  return <>{parts.map((part) => (part.hit ? <mark key={part.key}>{part.text}</mark> : part.text))}</>;
}

function name(file: NonNullable<Found["file"]>): string {
  return file.anchor.page === undefined ? file.name : t("{name}, page {page}", { name: file.name, page: file.anchor.page });
}

/** In what it was found, and the words. A title stands above; a file that was found by its name says it once. */
export function Place({ found }: { found: Found }) {
  if (found.where === "title") return t("In the title");
  const { file } = found;
  const byName = file !== null && found.snippet.map((part) => part.text).join("") === file.name;
  return (
    <>
      {file && (
        <span className="found__where">
          <Icon of={FileText} small />
          {!byName && name(file)}
        </span>
      )}
      <Excerpt found={found} />
    </>
  );
}
