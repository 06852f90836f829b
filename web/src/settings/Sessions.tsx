import { useQuery } from "@tanstack/react-query";
import { Laptop, Smartphone, Terminal } from "lucide-react";
import { queryClient } from "~/api/client";
import { api } from "~/api/http";
import type { List, SignedInSession } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dots } from "~/ui/Dots";
import { Icon } from "~/ui/Icon";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { dateAndTime } from "~/ui/time";
import { useAction } from "~/ui/useAction";

const KEY = ["me", "sessions"];

/** "Firefox, Windows" of a user agent string; the string itself where that is not plain. */
export function deviceOf(agent: string | null): string {
  if (!agent) return t("Unknown device");
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(agent)?.[1];
  const system = /Windows|Android|iPhone|iPad|Mac OS X|CrOS|Linux/.exec(agent)?.[0];
  const names: Record<string, string> = { Edg: "Edge", OPR: "Opera", "Mac OS X": "macOS", CrOS: "ChromeOS" };
  const parts = [browser, system].filter((part) => part !== undefined).map((part) => names[part] ?? part);
  return parts.length > 0 ? parts.join(", ") : agent.slice(0, 60);
}

function Row({ session, onEnd }: { session: SignedInSession; onEnd: () => void }) {
  const drawing = session.surface === "terminal" ? Terminal : /Mobile|Android|iPhone/.test(session.user_agent ?? "") ? Smartphone : Laptop;
  return (
    <li>
      <Icon of={drawing} />
      <span className="grow">
        <b>{deviceOf(session.user_agent)}</b>
        <small>
          <Dots>
            {session.current ? t("this one") : t("last seen {time}", { time: dateAndTime(session.last_seen_at) })}
            {session.address}
          </Dots>
        </small>
      </span>
      {!session.current && (
        <Button small onClick={onEnd}>
          {t("End")}
        </Button>
      )}
    </li>
  );
}

export function Sessions() {
  const list = useQuery({ queryKey: KEY, queryFn: ({ signal }) => api.get<List<SignedInSession>>("/me/sessions", signal) });
  const { busy, error, run } = useAction();
  const end = (path: string) =>
    void run(async () => {
      await api.delete(path);
      await queryClient.invalidateQueries({ queryKey: KEY });
    });
  const sessions = [...(list.data?.items ?? [])].sort((a, b) => Number(b.current) - Number(a.current));
  return (
    <section>
      <h3>{t("Where you are signed in")}</h3>
      {list.isPending && <Skeleton lines={2} />}
      <ul className="rows">
        {sessions.map((session) => (
          <Row key={session.id} session={session} onEnd={() => end(`/me/sessions/${session.id}`)} />
        ))}
      </ul>
      <ErrorNote error={error ?? list.error} />
      {sessions.some((session) => !session.current) && (
        <div className="form__do">
          <Button small busy={busy} onClick={() => end("/me/sessions")}>
            {t("End all others")}
          </Button>
        </div>
      )}
    </section>
  );
}
