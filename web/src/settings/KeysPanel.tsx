import { useInfiniteQuery } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { type FormEvent, useState } from "react";
import { queryClient, useInstallation } from "~/api/client";
import { api, query } from "~/api/http";
import type { ApiKey, List } from "~/api/types";
import { t } from "~/i18n";
import { Button, IconButton } from "~/ui/Button";
import { CopyField } from "~/ui/CopyField";
import { Confirm } from "~/ui/Dialog";
import { Dots } from "~/ui/Dots";
import { Field, Select } from "~/ui/Field";
import { Icon } from "~/ui/Icon";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { date } from "~/ui/time";
import { useAction } from "~/ui/useAction";

const KEY = ["me", "keys"];
const DAY_MS = 86_400_000;

function scopes(): { value: string; label: string; help: string }[] {
  return [
    { value: "chat", label: t("Talk to Mecum"), help: t("Ask, and read the answers to what it asked.") },
    { value: "models", label: t("Use the models"), help: t("Plain models, without memory and tools.") },
    { value: "threads", label: t("My pages"), help: t("Read and change all conversations.") },
    { value: "account", label: t("My account"), help: t("Change the account and its keys.") },
    { value: "admin", label: t("Run this Mecum"), help: t("What your role allows, no more.") },
  ];
}

function NewKey({ onMade, onCancel }: { onMade: (key: ApiKey) => void; onCancel: () => void }) {
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<string[]>(["chat", "models"]);
  const [days, setDays] = useState("90");
  const { busy, error, run } = useAction();
  function submit(event: FormEvent) {
    event.preventDefault();
    void run(async () => {
      const expires_at = days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : undefined;
      onMade(await api.post<ApiKey>("/me/keys", { name: name.trim(), scopes: chosen, ...(expires_at ? { expires_at } : {}) }));
      await queryClient.invalidateQueries({ queryKey: KEY });
    });
  }
  return (
    <form className="form" onSubmit={submit}>
      <Field label={t("What for")} placeholder={t("Backup script")} required maxLength={120} autoFocus value={name} onChange={(event) => setName(event.target.value)} />
      <fieldset className="many">
        <legend>{t("May")}</legend>
        {scopes().map((scope) => (
          <label key={scope.value} className="row">
            <input
              className="check"
              type="checkbox"
              checked={chosen.includes(scope.value)}
              onChange={(event) => setChosen(event.target.checked ? [...chosen, scope.value] : chosen.filter((other) => other !== scope.value))}
            />
            <span>
              {scope.label} <small className="muted">{scope.help}</small>
            </span>
          </label>
        ))}
      </fieldset>
      <Select label={t("For how long")} value={days} onChange={(event) => setDays(event.target.value)}>
        <option value="7">{t("7 days")}</option>
        <option value="90">{t("90 days")}</option>
        <option value="365">{t("A year")}</option>
        <option value="">{t("Until I remove it")}</option>
      </Select>
      <ErrorNote error={error} />
      <div className="form__do">
        <Button kind="main" type="submit" busy={busy} disabled={!name.trim() || chosen.length === 0}>
          {t("Make the key")}
        </Button>
        <Button kind="quiet" onClick={onCancel}>
          {t("Cancel")}
        </Button>
      </div>
    </form>
  );
}

function Made({ made, onDone }: { made: ApiKey; onDone: () => void }) {
  const { public_url } = useInstallation();
  return (
    <section className="card made">
      <p>{t("Copy it now: I keep only its fingerprint and can’t show it again.")}</p>
      <CopyField label={t("Key “{name}”", { name: made.name })} value={made.secret ?? ""} />
      <CopyField label={t("Address for OpenAI-compatible programs")} value={`${public_url.replace(/\/$/, "") || window.location.origin}/v1`} />
      <div className="form__do">
        <Button small onClick={onDone}>
          {t("I have it")}
        </Button>
      </div>
    </section>
  );
}

function Row({ item }: { item: ApiKey }) {
  const [asking, setAsking] = useState(false);
  const names = scopes().filter((scope) => item.scopes.includes(scope.value)).map((scope) => scope.label);
  return (
    <li>
      <Icon of={KeyRound} />
      <span className="grow">
        <b>{item.name}</b>
        <small>
          {names.join(t(", "))}
          <Dots>
            <span className="mono">{item.prefix}…</span>
            {item.last_used_at ? t("last used {date}", { date: date(item.last_used_at) }) : t("never used")}
            {item.expires_at && t("until {date}", { date: date(item.expires_at) })}
          </Dots>
        </small>
      </span>
      <IconButton small icon={Trash2} label={t("Remove {name}", { name: item.name })} onClick={() => setAsking(true)} />
      <Confirm
        open={asking}
        onClose={() => setAsking(false)}
        danger
        title={t("Remove this key?")}
        text={t("Programs that use “{name}” are turned away at once.", { name: item.name })}
        verb={t("Remove")}
        onConfirm={async () => {
          await api.delete(`/me/keys/${item.id}`);
          await queryClient.invalidateQueries({ queryKey: KEY });
        }}
      />
    </li>
  );
}

export function KeysPanel() {
  const list = useInfiniteQuery({
    queryKey: KEY,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => api.get<List<ApiKey>>(`/me/keys${query({ cursor: pageParam })}`, signal),
    getNextPageParam: (page) => page.next,
  });
  const keys = list.data?.pages.flatMap((page) => page.items) ?? [];
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<ApiKey | null>(null);
  return (
    <>
      <section>
        <p className="lede">{t("A key lets a program be here in your name, for what you tick and no more.")}</p>
        {made && <Made made={made} onDone={() => setMade(null)} />}
        {making ? (
          <NewKey
            onCancel={() => setMaking(false)}
            onMade={(key) => {
              setMaking(false);
              setMade(key);
            }}
          />
        ) : (
          <div className="form__do">
            <Button small icon={Plus} onClick={() => setMaking(true)}>
              {t("New key")}
            </Button>
          </div>
        )}
      </section>
      <section>
        {list.isPending && <Skeleton lines={2} />}
        <ErrorNote error={list.error} onRetry={() => void list.refetch()} />
        <ul className="rows">
          {keys.map((item) => (
            <Row key={item.id} item={item} />
          ))}
        </ul>
        {list.hasNextPage && (
          <Button small kind="quiet" busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            {t("Show more")}
          </Button>
        )}
      </section>
    </>
  );
}
