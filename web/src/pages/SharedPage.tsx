import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { FileText } from "lucide-react";
import { lazy, Suspense, useEffect } from "react";
import { ApiError, api } from "~/api/http";
import { useSession } from "~/api/client";
import type { SharedPage as Shared } from "~/api/types";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { Lead, Line } from "~/ui/Line";
import { date, shortTime } from "~/ui/time";
import { Alone, Failed, Loading } from "./Fallbacks";

const Markdown = lazy(() => import("~/markdown/Markdown"));

function Said({ message }: { message: Shared["messages"][number] }) {
  const mecum = message.role === "mecum";
  return (
    <article className={`msg line ${mecum ? "msg--ai" : "msg--you"}`}>
      <div className="side">
        <b>{mecum ? "Mecum" : t("Question")}</b>
        <time dateTime={message.at}>{shortTime(message.at)}</time>
      </div>
      <div>
        {mecum ? (
          <Suspense fallback={<div className="prose prose--plain">{message.text}</div>}>
            <Markdown text={message.text} going={false} />
          </Suspense>
        ) : (
          <p className="said">{message.text}</p>
        )}
        {message.attachments.length > 0 && (
          <div className="files">
            {message.attachments.map((name) => (
              <span key={name} className="chip">
                <Icon of={FileText} small />
                <span className="chip__name">{name}</span>
              </span>
            ))}
          </div>
        )}
      </div>
    </article>
  );
}

function Closed() {
  return <Alone title={t("This copy is no longer here.")} lede={t("Whoever shared it has withdrawn the link, or part of the address is missing.")} />;
}

/** A copy of a conversation that somebody shared: to read, without signing in. */
export function SharedPage() {
  const { token } = useParams({ from: "/s/$token" });
  const { person } = useSession();
  const { data, error, isPending } = useQuery({
    queryKey: ["shared", token],
    queryFn: ({ signal }) => api.get<Shared>(`/shared/${encodeURIComponent(token)}`, signal),
    retry: false,
  });
  useEffect(() => {
    if (data) document.title = `${data.title} · Mecum`;
  }, [data]);
  if (isPending) return <Loading />;
  if (!data) return error instanceof ApiError && (error.status === 404 || error.status === 410) ? <Closed /> : <Failed error={error} />;
  return (
    <main className="page page--alone" id="main">
      <header className="bar bar--shared">
        <span className="ribbon" />
        <span className="bar__title grow">{t("A copy, to read")}</span>
        {person && (
          <Link className="btn btn--s" to="/">
            {t("To my pages")}
          </Link>
        )}
      </header>
      <div className="sheet">
        <Lead title={data.title || t("Untitled page")}>{t("Shared by {name} on {date}. It shows the conversation as it was then.", { name: data.by, date: date(data.created_at) })}</Lead>
        {data.messages.map((message) => (
          <Said key={`${message.at}${message.role}${message.text.slice(0, 40)}`} message={message} />
        ))}
        <Line className="block">
          <p className="muted small">{t("Answers were written by a machine and can be wrong.")}</p>
        </Line>
      </div>
    </main>
  );
}
