import { Check, Copy } from "lucide-react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { useCopy } from "~/ui/useCopy";
import { languageName, useHighlight } from "./highlight";

/** Code with its language and a way to take it along. `open`: still being written. */
export function CodeBlock({ language, code, open }: { language: string; code: string; open: boolean }) {
  const [copied, copy] = useCopy();
  const html = useHighlight(code, language, open);
  return (
    <div className="code" data-testid="code" aria-busy={open || undefined}>
      <div className="code__head">
        <span>{languageName(language) || t("Text")}</span>
        <Button kind="quiet" small icon={copied ? Check : Copy} onClick={() => copy(code)}>
          {copied ? t("Copied") : t("Copy")}
        </Button>
      </div>
      <pre tabIndex={0}>{html === null ? <code>{code}</code> : <code dangerouslySetInnerHTML={{ __html: html }} />}</pre>
    </div>
  );
}
