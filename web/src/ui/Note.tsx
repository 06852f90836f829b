import { TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { ApiError, api } from "~/api/http";
import { wordsOf } from "~/api/words";
import { t } from "~/i18n";
import { Button } from "./Button";
import { Icon } from "./Icon";

const RECENT_SIGN_IN = "people.sign_in_again";

/** Some things need a sign-in that is not long ago. */
async function signInAgain(): Promise<void> {
  await api.post("/sign-out");
  window.location.assign(`/sign-in?next=${encodeURIComponent(window.location.pathname + window.location.search)}`);
}

/** What happened, what to do (`hint`, where the page knows better), and a button where trying again can help. */
export function ErrorNote({ error, hint: instead, onRetry, children }: { error: unknown; hint?: string | undefined; onRetry?: () => void; children?: ReactNode }) {
  if (!error) return null;
  const { what, hint: known, retryable } = wordsOf(error);
  const hint = instead ?? known;
  return (
    <div className="notice notice--bad" role="alert">
      <Icon of={TriangleAlert} />
      <p className="grow">
        {what} {hint && <span className="muted">{hint}</span>}
      </p>
      {children}
      {error instanceof ApiError && error.code === RECENT_SIGN_IN && (
        <Button small onClick={() => void signInAgain()}>
          {t("Sign in again")}
        </Button>
      )}
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
