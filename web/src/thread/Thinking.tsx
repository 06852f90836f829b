import { ChevronRight } from "lucide-react";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";

/** What the model thought before it answered; folded, because it is not the answer. */
export function Thinking({ text, going }: { text: string; going: boolean }) {
  return (
    <details className="step" data-testid="thinking">
      <summary>
        <Icon of={ChevronRight} small className="chev" />
        {going ? t("Thinking") : t("What I thought first")}
        {going && <i className="pulse" />}
      </summary>
      <div className="thought" aria-live="off">
        {text}
      </div>
    </details>
  );
}
