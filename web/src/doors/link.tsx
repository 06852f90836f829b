import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { ApiError, api } from "~/api/http";
import type { LinkInfo } from "~/api/types";
import { t } from "~/i18n";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { Door } from "./Door";

/** What a link that came by mail or from the terminal is good for. */
export function useLink(): { token: string | undefined; link: LinkInfo | undefined; error: unknown; pending: boolean } {
  const inPath = (useParams({ strict: false }) as { token?: string }).token;
  const inSearch = (useSearch({ strict: false }) as { token?: string }).token;
  const token = inPath ?? inSearch;
  const { data, error, isPending } = useQuery({
    queryKey: ["link", token],
    enabled: token !== undefined,
    queryFn: ({ signal }) => api.get<LinkInfo>(`/links/${encodeURIComponent(token ?? "")}`, signal),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return { token, link: data, error, pending: token !== undefined && isPending };
}

export function LinkPending() {
  return (
    <Door title={t("One moment")}>
      <Skeleton lines={2} />
    </Door>
  );
}

export function BadLink({ error }: { error: unknown }) {
  const used = error instanceof ApiError && error.status === 410;
  const unknown = error instanceof ApiError && error.status === 404;
  return (
    <Door
      title={t("This link opens nothing.")}
      lede={
        used
          ? t("It was used already, or its time is over. Ask for a new one.")
          : t("Part of it may be missing. Copy the whole link, or ask for a new one.")
      }
    >
      <div className="form">
        {error !== null && !used && !unknown && <ErrorNote error={error} />}
        <p>
          <Link className="textbtn" to="/sign-in">
            {t("To sign-in")}
          </Link>
        </p>
      </div>
    </Door>
  );
}
