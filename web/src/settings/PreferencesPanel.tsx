import { useQuery } from "@tanstack/react-query";
import { queryClient, usePerson } from "~/api/client";
import { api } from "~/api/http";
import type { KindPreference, Preferences } from "~/api/types";
import { t } from "~/i18n";
import { Field, SwitchLine } from "~/ui/Field";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { toastError } from "~/ui/toast";
import { kindName } from "./noticeWords";

const KEY = ["notifications", "preferences"];

/** Only what differs from the kind's own default is a choice. */
function choices(kinds: KindPreference[]): Record<string, { bell?: boolean; mail?: boolean }> {
  return Object.fromEntries(
    kinds
      .map((one) => [one.kind, { ...(one.bell !== one.default_bell && { bell: one.bell }), ...(one.mail !== one.default_mail && { mail: one.mail }) }] as const)
      .filter(([, choice]) => Object.keys(choice).length > 0),
  );
}

async function save(changed: Preferences) {
  const before = queryClient.getQueryData(KEY);
  queryClient.setQueryData(KEY, changed);
  try {
    queryClient.setQueryData(KEY, await api.put<Preferences>("/notifications/preferences", { kinds: choices(changed.kinds), quiet: changed.quiet }));
  } catch (error) {
    queryClient.setQueryData(KEY, before);
    toastError(error);
  }
}

function Kinds({ all, part, title, help }: { all: Preferences; part: "bell" | "mail"; title: string; help: string }) {
  return (
    <section>
      <h3>{title}</h3>
      <p className="lede">{help}</p>
      <div>
        {all.kinds.map((one) => (
          <SwitchLine
            key={one.kind}
            label={kindName(one.kind)}
            checked={one[part]}
            onChange={(checked) => void save({ ...all, kinds: all.kinds.map((other) => (other === one ? { ...one, [part]: checked } : other)) })}
          />
        ))}
      </div>
    </section>
  );
}

function Quiet({ all }: { all: Preferences }) {
  const person = usePerson();
  const { quiet } = all;
  return (
    <section>
      <h3>{t("Quiet hours")}</h3>
      <SwitchLine
        label={t("No mail at night")}
        help={t("What comes meanwhile is sent in the morning. Warnings about your account always come at once.")}
        checked={quiet !== null}
        onChange={(checked) => void save({ ...all, quiet: checked ? { start: "22:00", end: "07:00", timezone: person.timezone } : null })}
      />
      {quiet && (
        <div className="pair">
          <Field label={t("From")} type="time" value={quiet.start} onChange={(event) => event.target.value && void save({ ...all, quiet: { ...quiet, start: event.target.value } })} />
          <Field label={t("Until")} type="time" value={quiet.end} onChange={(event) => event.target.value && void save({ ...all, quiet: { ...quiet, end: event.target.value } })} />
        </div>
      )}
    </section>
  );
}

export function PreferencesPanel() {
  const { data, error, isPending, refetch } = useQuery({ queryKey: KEY, queryFn: ({ signal }) => api.get<Preferences>("/notifications/preferences", signal) });
  if (isPending) return <Skeleton lines={5} />;
  if (!data) return <ErrorNote error={error} onRetry={() => void refetch()} />;
  return (
    <>
      <Kinds all={data} part="bell" title={t("By the bell")} help={t("Here, in the corner of the page.")} />
      {data.mail_available ? (
        <>
          <Kinds all={data} part="mail" title={t("By mail")} help={t("To your address, for when you are not here.")} />
          <Quiet all={data} />
        </>
      ) : (
        <p className="muted small">{t("This Mecum sends no mail.")}</p>
      )}
    </>
  );
}
