import { Link, useRouter } from "@tanstack/react-router";
import { useEffect } from "react";
import { ApiError } from "~/api/http";
import { wordsOf } from "~/api/words";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Lead, Line } from "~/ui/Line";
import { Skeleton } from "~/ui/Note";

export function Loading() {
  return (
    <div className="sheet">
      <div className="line">
        <Skeleton />
      </div>
    </div>
  );
}

/** The whole page can't be shown: says why, offers to try again. */
export function Failed({ error }: { error: unknown }) {
  const router = useRouter();
  const { what, hint } = wordsOf(error);
  useEffect(() => {
    const again = () => void router.invalidate();
    window.addEventListener("online", again);
    return () => window.removeEventListener("online", again);
  }, [router]);
  return (
    <main className="sheet alone" id="main">
      <Lead title={error instanceof ApiError && error.offline ? t("Mecum is not there right now.") : t("This page did not open.")}>
        {what} {hint}
      </Lead>
      <Line>
        <Button kind="main" onClick={() => void router.invalidate()}>
          {t("Try again")}
        </Button>
      </Line>
    </main>
  );
}

export function NotFound() {
  return (
    <main className="sheet alone" id="main">
      <Lead title={t("There is no such page.")}>{t("The address may be mistyped, or what stood here was deleted.")}</Lead>
      <Line>
        <Link className="btn" to="/">
          {t("To my pages")}
        </Link>
      </Line>
    </main>
  );
}
