import { ChevronRight } from "lucide-react";
import { memo } from "react";
import type { WaitingHint } from "~/api/events";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { AnswerTurnView } from "./AnswerTurn";
import { SendingTurnView } from "./SendingTurn";
import { UserTurnView } from "./UserTurn";
import type { Turn } from "./state/view";
import type { OpenThread } from "./useThread";

interface OneProps {
  turn: Turn;
  hint: WaitingHint | null;
  last: boolean;
}

// A turn object is made anew for each view, its parts only when they changed.
function same(a: OneProps, b: OneProps): boolean {
  if (a.last !== b.last || a.hint !== b.hint || a.turn.kind !== b.turn.kind) return false;
  const before = a.turn as unknown as Record<string, unknown>;
  const after = b.turn as unknown as Record<string, unknown>;
  return Object.keys(after).every((key) => before[key] === after[key] || (key === "siblings" && JSON.stringify(before[key]) === JSON.stringify(after[key])));
}

const One = memo(function One({ turn, hint, last }: OneProps) {
  if (turn.kind === "user") return <UserTurnView turn={turn} />;
  if (turn.kind === "sending") return <SendingTurnView sending={turn.sending} />;
  return <AnswerTurnView turn={turn} hint={hint} last={last} />;
}, same);

/** What a program said had been said before. */
function History({ messages }: { messages: { role: string; text: string }[] }) {
  if (messages.length === 0) return null;
  return (
    <div className="msg line">
      <div className="side" />
      <details className="step">
        <summary>
          <Icon of={ChevronRight} small className="chev" />
          {t("{n, plural, one {# earlier message} other {# earlier messages}}, as the program told them", { n: messages.length })}
        </summary>
        {messages.map((message, at) => (
          <div className="thought" key={at}>
            <b>{message.role}</b> {message.text}
          </div>
        ))}
      </details>
    </div>
  );
}

export function Turns({ open }: { open: OpenThread }) {
  const { turns, thread } = open;
  const all = turns.map((turn, at) => (
    <One
      key={turn.key}
      turn={turn}
      hint={turn.kind === "answer" && turn.part && turn.part.run === thread.hint?.run ? thread.hint : null}
      last={at === turns.length - 1}
    />
  ));
  return (
    <>
      <History messages={thread.history} />
      {all}
    </>
  );
}
