import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { searchQuery } from "~/api/threads";
import type { Found } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { shortTime } from "~/ui/time";
import { Excerpt, Place } from "./Excerpt";
import { useSettled } from "./search";

function Result({ found }: { found: Found }) {
  return (
    <Link className="thread found" to="/t/$thread" params={{ thread: found.thread.id }} hash={found.message ?? ""}>
      <span className="found__head">
        {found.where === "title" ? (
          <b className="found__title">
            <Excerpt found={found} />
          </b>
        ) : (
          <b>{found.thread.title || t("Untitled page")}</b>
        )}
        <time dateTime={found.at}>{shortTime(found.at)}</time>
      </span>
      <small>
        <Place found={found} />
      </small>
    </Link>
  );
}

export function SearchResults({ text }: { text: string }) {
  const settled = useSettled(text.trim(), 200);
  const { data, error, refetch, isPending, hasNextPage, fetchNextPage } = useInfiniteQuery(searchQuery(settled));
  if (isPending) return <Skeleton lines={4} />;
  if (error && !data) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  const found = data.pages.flatMap((page) => page.items);
  return (
    <div role="group" aria-label={t("Found")}>
      <p className="rail__group" role="status">
        {found.length === 0 ? t("Nothing found. Try fewer or other words.") : t("{n, plural, one {# place} other {# places}}", { n: found.length })}
      </p>
      {found.map((one) => (
        <Result key={`${one.where}${one.thread.id}${one.message ?? ""}${one.file?.id ?? ""}`} found={one} />
      ))}
      {hasNextPage && (
        <Button kind="quiet" small onClick={() => void fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </div>
  );
}
