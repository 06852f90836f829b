import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { wordsOf } from "~/api/words";
import { t } from "~/i18n";
import { Button } from "./Button";
import { Icon } from "./Icon";

/** What happened, what to do, and a button where trying again can help. */
export function ErrorNote({ error, onRetry, children }: { error: unknown; onRetry?: () => void; children?: ReactNode }) {
  if (!error) return null;
  const { what, hint, retryable } = wordsOf(error);
  return (
    <div className="notice notice--bad" role="alert">
      <Icon of={TriangleAlert} />
      <p className="grow">
        {what} {hint && <span className="muted">{hint}</span>}
      </p>
      {children}
      {onRetry && retryable && (
        <Button small onClick={onRetry}>
          {t("Try again")}
        </Button>
      )}
    </div>
  );
}

export function Skeleton({ lines = 3 }: { lines?: number }) {
  const widths = ["38%", "100%", "86%", "64%", "92%"];
  return (
    <div className="skeleton" role="status" aria-label={t("Loading")}>
      {widths.slice(0, lines).map((width) => (
        <i key={width} style={{ width }} />
      ))}
    </div>
  );
}
