import { Link, useRouter } from "@tanstack/react-router";
import { type ReactNode, useEffect } from "react";
import { ApiError } from "~/api/http";
import { wordsOf } from "~/api/words";
import { DoorBrand } from "~/ui/DoorBrand";
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
    <Alone title={error instanceof ApiError && error.offline ? t("Mecum is not there right now.") : t("This page did not open.")} lede={`${what} ${hint}`}>
      <Button kind="main" onClick={() => void router.invalidate()}>
        {t("Try again")}
      </Button>
    </Alone>
  );
}

/** A page outside the house that says one thing. */
export function Alone({ title, lede, children }: { title: string; lede: string; children?: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Mecum`;
  }, [title]);
  return (
    <main className="door" id="main">
      <div className="door__in">
        <DoorBrand />
        <h1>{title}</h1>
        <p>{lede}</p>
        {children && <div className="door__do">{children}</div>}
      </div>
    </main>
  );
}

function ToMyPages() {
  return (
    <Link className="btn" to="/">
      {t("To my pages")}
    </Link>
  );
}

export function NotFound() {
  return (
    <Alone title={t("There is no such page.")} lede={t("The address may be mistyped, or what stood here was deleted.")}>
      <ToMyPages />
    </Alone>
  );
}

/** The same inside the house: the conversation that the address names is not there. */
export function NoSuchThread() {
  return (
    <>
      <Lead title={t("There is no such page.")}>{t("The address may be mistyped, or what stood here was deleted.")}</Lead>
      <Line>
        <ToMyPages />
      </Line>
    </>
  );
}
