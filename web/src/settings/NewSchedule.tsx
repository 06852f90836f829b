import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { queryClient, usePerson } from "~/api/client";
import { api } from "~/api/http";
import { wordsOf } from "~/api/words";
import { t } from "~/i18n";
import { useSettled } from "~/shell/search";
import { Button } from "~/ui/Button";
import { Field, TextArea } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { dateAndTime } from "~/ui/time";
import { useAction } from "~/ui/useAction";
import { cronWords } from "./cronWords";

interface Read {
  cron: string | null;
  next_at: string | null;
}

export function NewSchedule({ onDone }: { onDone: () => void }) {
  const { timezone } = usePerson();
  const [text, setText] = useState("");
  const [when, setWhen] = useState("");
  const settled = useSettled(when.trim(), 400);
  const { busy, error, run } = useAction();
  const read = useQuery({
    queryKey: ["schedules", "read", settled, timezone],
    enabled: settled.length > 2,
    queryFn: () => api.post<Read>("/schedules/read", { text: settled, timezone }),
    retry: false,
  });

  async function submit(event: FormEvent) {
    event.preventDefault();
    const made = await run(async () => {
      await api.post("/schedules", { text: text.trim(), words: when.trim(), timezone });
      await queryClient.invalidateQueries({ queryKey: ["schedules"] });
    });
    if (made) onDone();
  }

  const found = read.data;
  const understood = found && t("{when}, first on {time}", { when: found.cron === null ? t("once") : cronWords(found.cron), time: found.next_at ? dateAndTime(found.next_at) : "" });
  return (
    <form className="form" onSubmit={submit}>
      <TextArea label={t("What shall I do?")} placeholder={t("Read the weather page and tell me if I need a coat")} required value={text} onChange={(event) => setText(event.target.value)} />
      <Field
        label={t("When?")}
        placeholder={t("every Monday at 9")}
        required
        value={when}
        onChange={(event) => setWhen(event.target.value)}
        error={read.error && settled === when.trim() ? wordsOf(read.error).what : null}
        help={understood ?? t("In your words, in your time zone.")}
      />
      <ErrorNote error={error} />
      <div className="form__do">
        <Button kind="main" type="submit" busy={busy} disabled={!text.trim() || !when.trim()}>
          {t("Plan it")}
        </Button>
        <Button kind="quiet" onClick={onDone}>
          {t("Cancel")}
        </Button>
      </div>
    </form>
  );
}
