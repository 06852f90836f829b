import { useNavigate } from "@tanstack/react-router";
import { Bell, CalendarDays, Ghost, type LucideIcon, PencilLine } from "lucide-react";
import { ArrowUpRight } from "lucide-react";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { useLocalModel, usePerson } from "~/api/client";
import { Composer, type Written } from "~/composer/Composer";
import { t } from "~/i18n";
import { Bar } from "~/shell/Bar";
import { onOutbox, type Unsent, unsentOf } from "~/thread/outbox";
import { sendFirst } from "~/thread/send";
import { SendingTurnView } from "~/thread/SendingTurn";
import { threadStore } from "~/thread/state/store";
import { Icon } from "~/ui/Icon";
import { Lead, Line } from "~/ui/Line";
import { hourNow } from "~/ui/time";
import { useStable } from "~/ui/useStable";
import { Honestly, NoModel } from "./Honestly";

const ModelState = lazy(() => import("./ModelState").then((module) => ({ default: module.ModelState })));
/** There is nothing to tell of the built-in model then. */
const SETTLED = new Set(["ready", "off"]);

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

/** First messages that are on their way: what was written here just now opens as a page as soon as it is sent. */
function useFirsts(): { firsts: Unsent[]; send: (written: Written, temporary: boolean) => void } {
  const navigate = useNavigate();
  const [firsts, setFirsts] = useState(() => unsentOf(null));
  const here = useRef(new Set<string>());
  useEffect(
    () =>
      onOutbox((change) => {
        if (change.kind !== "sent" || !here.current.has(change.message.clientId)) return setFirsts(unsentOf(null));
        const { thread } = change.posted;
        threadStore(thread).dispatchNow({ type: "send", message: { ...change.message, error: null } });
        void navigate({ to: "/t/$thread", params: { thread } });
      }),
    [navigate],
  );
  return { firsts, send: (written, temporary) => void here.current.add(sendFirst(written, temporary)) };
}

export function NewPage() {
  const person = usePerson();
  const [start, setStart] = useState<{ text: string }>();
  const [temporary, setTemporary] = useState(false);
  const { firsts, send } = useFirsts();
  const local = useLocalModel();
  const onSend = useStable((written: Written) => send(written, temporary));

  return (
    <>
      <Bar title={t("A new page")}>
        <TemporarySwitch on={temporary} onChange={setTemporary} />
      </Bar>
      <div className={`sheet ${firsts.length > 0 ? "sheet--thread" : "first"}`}>
        {firsts.length > 0 ? (
          firsts.map((message) => <SendingTurnView key={message.clientId} sending={message} />)
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
            <Suspense>{local && !SETTLED.has(local.state) && <ModelState />}</Suspense>
            <NoModel />
            <Line who={t("To try")} className="block">
              <Ideas onChoose={(text) => setStart({ text })} />
            </Line>
            <Honestly />
          </>
        )}
      </div>
      <Composer draftKey="new" placeholder={t("Write the first line")} running={false} keep={!temporary} onSend={onSend} start={start} />
    </>
  );
}
