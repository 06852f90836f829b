import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { queryClient } from "~/api/client";
import { api, query } from "~/api/http";
import type { List, Schedule } from "~/api/types";
import { t } from "~/i18n";
import { Button, IconButton } from "~/ui/Button";
import { Confirm } from "~/ui/Dialog";
import { Dots } from "~/ui/Dots";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { dateAndTime } from "~/ui/time";
import { toastError } from "~/ui/toast";
import { Background } from "./Background";
import { cronWords } from "./cronWords";
import { NewSchedule } from "./NewSchedule";

export const SCHEDULES = ["schedules"];
const refresh = () => queryClient.invalidateQueries({ queryKey: SCHEDULES });

function Row({ schedule }: { schedule: Schedule }) {
  const [asking, setAsking] = useState(false);
  const name = schedule.title || schedule.text;
  const turn = (enabled: boolean) => api.patch(`/schedules/${schedule.id}`, { enabled }).then(refresh).catch(toastError);
  return (
    <li>
      <span className="grow">
        <b>{name}</b>
        <small>
          <Dots>
            {schedule.cron === null ? t("once") : cronWords(schedule.cron)}
            {schedule.enabled && schedule.next_at && t("next {time}", { time: dateAndTime(schedule.next_at) })}
          </Dots>
        </small>
        {schedule.thread && schedule.last_at && (
          <Link className="textbtn small" to="/t/$thread" params={{ thread: schedule.thread }}>
            {t("Last time: {time}", { time: dateAndTime(schedule.last_at) })}
          </Link>
        )}
      </span>
      <input
        className="switch"
        type="checkbox"
        role="switch"
        aria-label={t("{name} is on", { name })}
        checked={schedule.enabled}
        onChange={(event) => void turn(event.target.checked)}
      />
      <IconButton small icon={Trash2} label={t("Remove {name}", { name })} onClick={() => setAsking(true)} />
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title={t("Remove this schedule?")}
        text={t("“{name}” is not done any more. What it wrote so far stays.", { name })}
        verb={t("Remove")}
        onConfirm={async () => {
          await api.delete(`/schedules/${schedule.id}`);
          await refresh();
        }}
      />
    </li>
  );
}

export function SchedulesPanel() {
  const [adding, setAdding] = useState(false);
  const list = useInfiniteQuery({
    queryKey: SCHEDULES,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<Schedule>>(`/schedules${query({ cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.next,
  });
  const schedules = list.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <section>
        <h3>{t("Again and again")}</h3>
        {list.isPending && <Skeleton lines={2} />}
        <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
        {list.data && schedules.length === 0 && !adding && (
          <p className="lede">{t("Nothing is planned. I can read a page each morning, remind you on Fridays, or sum up the week.")}</p>
        )}
        <ul className="rows">
          {schedules.map((schedule) => (
            <Row key={schedule.id} schedule={schedule} />
          ))}
        </ul>
        {list.hasNextPage && (
          <Button small kind="quiet" onClick={() => void list.fetchNextPage()}>
            {t("Show more")}
          </Button>
        )}
        {adding ? (
          <NewSchedule onDone={() => setAdding(false)} />
        ) : (
          <div className="form__do">
            <Button small icon={Plus} onClick={() => setAdding(true)}>
              {t("New schedule")}
            </Button>
          </div>
        )}
      </section>
      <Background />
    </>
  );
}
