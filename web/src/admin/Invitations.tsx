import { useInfiniteQuery } from "@tanstack/react-query";
import { Copy, Mail } from "lucide-react";
import { queryClient } from "~/api/client";
import { api, query } from "~/api/http";
import type { Invitation, List } from "~/api/types";
import { t } from "~/i18n";
import { roleName } from "~/settings/AccountPanel";
import { Button, IconButton } from "~/ui/Button";
import { Dots } from "~/ui/Dots";
import { Icon } from "~/ui/Icon";
import { Line } from "~/ui/Line";
import { ErrorNote } from "~/ui/Note";
import { date } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { useCopy } from "~/ui/useCopy";

export const INVITATIONS = ["invitations"];

function Row({ invitation }: { invitation: Invitation }) {
  const [copied, copy] = useCopy();
  const withdraw = () =>
    api
      .delete(`/invitations/${invitation.id}`)
      .then(() => queryClient.invalidateQueries({ queryKey: INVITATIONS }))
      .catch(toastError);
  return (
    <li>
      <Icon of={Mail} />
      <span className="grow">
        <b>{invitation.email ?? t("Whoever has the link")}</b>
        <small>
          <Dots>
            {roleName(invitation.role)}
            {t("until {date}", { date: date(invitation.expires_at) })}
          </Dots>
        </small>
      </span>
      <IconButton small icon={Copy} label={copied ? t("Copied") : t("Copy the link")} onClick={() => copy(invitation.url)} />
      <Button small kind="danger" onClick={() => void withdraw()}>
        {t("Withdraw")}
      </Button>
    </li>
  );
}

/** Open invitations; nothing where there are none. */
export function Invitations() {
  const list = useInfiniteQuery({
    queryKey: INVITATIONS,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<Invitation>>(`/invitations${query({ cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.next,
  });
  const all = list.data?.pages.flatMap((page) => page.items) ?? [];
  if (all.length === 0 && !list.error) return null;
  return (
    <Line who={t("Invited")} className="block">
      <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
      <ul className="rows">
        {all.map((invitation) => (
          <Row key={invitation.id} invitation={invitation} />
        ))}
      </ul>
      {list.hasNextPage && (
        <Button small kind="quiet" onClick={() => void list.fetchNextPage()}>
          {t("Show more")}
        </Button>
      )}
    </Line>
  );
}
