import { useNavigate } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api } from "~/api/http";
import type { Posted } from "~/api/types";
import { t } from "~/i18n";
import { newClientId } from "~/thread/send";
import { Button } from "~/ui/Button";
import { TextArea } from "~/ui/Field";
import { ErrorNote } from "~/ui/Note";
import { toast } from "~/ui/toast";
import { useAction } from "~/ui/useAction";

/** Work that nobody waits for: it is listed under "Working for you" and the bell says when it is done. */
export function Background() {
  const [text, setText] = useState("");
  // One id until it is taken in: sent again after a lost answer, it is the same work.
  const [clientId, setClientId] = useState(newClientId);
  const navigate = useNavigate();
  const { busy, error, run } = useAction();
  async function submit(event: FormEvent) {
    event.preventDefault();
    await run(async () => {
      const { thread } = await api.post<Posted>("/background", { client_id: clientId, text: text.trim() });
      setText("");
      setClientId(newClientId());
      toast(t("I am at it, and tell you when it is done."), t("Look"), () => void navigate({ to: "/t/$thread", params: { thread } }));
    });
  }
  return (
    <section>
      <h3>{t("Now, in the background")}</h3>
      <p className="lede">{t("You can close everything meanwhile. The bell says when it is done.")}</p>
      <form className="form" onSubmit={submit}>
        <TextArea label={t("What shall I do?")} required value={text} onChange={(event) => setText(event.target.value)} />
        <ErrorNote error={error} />
        <div className="form__do">
          <Button type="submit" busy={busy} disabled={!text.trim()}>
            {t("Do it")}
          </Button>
        </div>
      </form>
    </section>
  );
}
