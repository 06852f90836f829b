import { Link } from "@tanstack/react-router";
import { mayOperate, useLocalModel, useModels, usePerson } from "~/api/client";
import type { LocalModel, Model } from "~/api/types";
import { t } from "~/i18n";
import { Line } from "~/ui/Line";

interface Answering {
  local: LocalModel;
  answers: Model | undefined;
}

/** Which model answers; null until that is known. */
function useAnswering(): Answering | null {
  const local = useLocalModel();
  const models = useModels();
  if (!models || !local) return null;
  return { local, answers: models.find((model) => model.default && model.kind === "chat") };
}

function ToConnect({ words }: { words: string }) {
  const person = usePerson();
  if (!mayOperate(person)) return <span className="small">{t("Whoever runs this Mecum can connect a stronger one.")}</span>;
  return (
    <Link className="textbtn" to="/admin/models" search={{ connect: true }}>
      {words}
    </Link>
  );
}

/** That nothing can be answered, where no model is connected and none is built in. */
export function NoModel() {
  const found = useAnswering();
  if (!found || found.answers || found.local.state !== "off") return null;
  return (
    <Line who={t("Now")} className="block">
      <p className="note">{t("No model is connected yet, so I can’t answer. The built-in one is switched off.")}</p>
      <p className="note">
        <ToConnect words={t("Connect a model")} />
      </p>
    </Line>
  );
}

/** What the model that answers is weak at, and the way to a stronger one. Silent once a strong one is the default. */
export function Honestly() {
  const found = useAnswering();
  if (!found || (found.answers ? !found.answers.small : found.local.state === "off")) return null;
  const { name, licence } = found.local;
  return (
    <Line who={t("Honestly")} className="block">
      <p className="note">
        {t("The built-in model is small enough for two processor cores. It is good at rewriting, short plans and reminders. It is weak at facts, sums and long texts, so check what matters.")}
      </p>
      <p className="note note--wide">
        <ToConnect words={t("Connect a stronger model")} />
        <span className="muted small note__now">{t("Now: {name}, {licence}. Nothing leaves this machine.", { name, licence })}</span>
      </p>
    </Line>
  );
}
