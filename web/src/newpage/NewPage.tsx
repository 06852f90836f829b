import { useNavigate } from "@tanstack/react-router";
import { Bell, CalendarDays, Ghost, type LucideIcon, PencilLine } from "lucide-react";
import { ArrowUpRight } from "lucide-react";
import { useRef, useState } from "react";
import { usePerson } from "~/api/client";
import { Composer, type Written } from "~/composer/Composer";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { newClientId, sendFirst } from "~/thread/send";
import { threadStore } from "~/thread/state/store";
import { Side } from "~/thread/UserTurn";
import { Icon } from "~/ui/Icon";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote } from "~/ui/Note";
import { hourNow } from "~/ui/time";
import { useStable } from "~/ui/useStable";
import { ModelState } from "./ModelState";
import { Honestly } from "./Honestly";

function greeting(name: string): string {
  const hour = hourNow();
  const first = name.trim().split(/\s+/)[0] ?? name;
  if (hour < 5 || hour >= 18) return t("Good evening, {name}.", { name: first });
  if (hour < 12) return t("Good morning, {name}.", { name: first });
  return t("Good afternoon, {name}.", { name: first });
}

interface Idea {
  icon: LucideIcon;
  text: string;
}

function ideas(): Idea[] {
  return [
    { icon: PencilLine, text: t("Make this letter shorter and friendlier") },
    { icon: CalendarDays, text: t("Plan three easy dinners from what is in my fridge") },
    { icon: Bell, text: t("Remind me on Friday to call the dentist") },
  ];
}

function Ideas({ onChoose }: { onChoose: (text: string) => void }) {
  return (
    <div className="try">
      {ideas().map(({ icon, text }) => (
        <button key={text} type="button" onClick={() => onChoose(text)}>
          <Icon of={icon} />
          <span className="grow">{text}</span>
          <Icon of={ArrowUpRight} small />
        </button>
      ))}
    </div>
  );
}

function TemporarySwitch({ on, onChange }: { on: boolean; onChange: (on: boolean) => void }) {
  return (
    <button type="button" className={`chip ${on ? "chip--on" : ""}`} aria-pressed={on} title={t("A page that leaves no trace: not in the list, not remembered.")} onClick={() => onChange(!on)}>
      <Icon of={Ghost} small />
      {t("Temporary")}
    </button>
  );
}

export function NewPage() {
  const person = usePerson();
  const navigate = useNavigate();
  const [start, setStart] = useState<{ text: string }>();
  const [temporary, setTemporary] = useState(false);
  const [sent, setSent] = useState<Written | null>(null);
  const [error, setError] = useState<unknown>(null);
  // The same id for each attempt: sent twice, it is still one message.
  const clientId = useRef(newClientId());

  const send = useStable(async (written: Written) => {
    setSent(written);
    setError(null);
    try {
      const id = await sendFirst(written, temporary, clientId.current);
      threadStore(id).dispatchNow({
        type: "send",
        message: { clientId: clientId.current, at: new Date().toISOString(), error: null, parent: undefined, ...written },
      });
      await navigate({ to: "/t/$thread", params: { thread: id } });
    } catch (caught) {
      setError(caught);
    }
  });

  return (
    <>
      <Bar title={t("A new page")}>
        <TemporarySwitch on={temporary} onChange={setTemporary} />
      </Bar>
      <div className={`sheet ${sent ? "sheet--thread" : "first"}`}>
        {sent ? (
          <article className="msg msg--you line">
            <Side who={t("You")} at={new Date().toISOString()} />
            <div>
              <p className="said">{sent.text}</p>
              <ErrorNote error={error} onRetry={() => void send(sent)} />
            </div>
          </article>
        ) : (
          <>
            <Lead
              title={
                <>
                  {greeting(person.name)}
                  <br />
                  {t("This page is yours.")}
                </>
              }
            >
              {temporary ? t("Ask, plan or think aloud. Nothing of this page is kept.") : t("Ask, plan or think aloud. I keep the page, so you can come back to it from anywhere.")}
            </Lead>
            <ModelState />
            <Line who={t("To try")} className="block">
              <Ideas onChoose={(text) => setStart({ text })} />
            </Line>
            <Honestly />
          </>
        )}
      </div>
      <Composer draftKey="new" placeholder={t("Write the first line")} running={false} onSend={send} start={start} />
    </>
  );
}
