import { Link } from "@tanstack/react-router";
import { mayOperate, useLocalModel, useModels, usePerson } from "~/api/client";
import { t } from "~/i18n";
import { Line } from "~/ui/Line";

/** What the model that answers is weak at, and the way to a stronger one. Silent once a strong one is the default. */
export function Honestly() {
  const person = usePerson();
  const local = useLocalModel();
  const models = useModels();
  if (!models || !local) return null;
  const answers = models.find((model) => model.default && model.kind === "chat");
  if (answers && !answers.small) return null;
  const absent = !answers && local.state === "off";
  return (
    <Line who={t("Honestly")} className="block">
      <p className="note">
        {absent
          ? t("No model is connected yet, so I can’t answer. The built-in one is switched off.")
          : t("The built-in model is small enough for two processor cores. It is good at rewriting, short plans and reminders. It is weak at facts, sums and long texts, so check what matters.")}
      </p>
      <p className="note note--wide">
        {mayOperate(person) ? (
          <Link className="textbtn" to="/admin/models" search={{ connect: true }}>
            {absent ? t("Connect a model") : t("Connect a stronger model")}
          </Link>
        ) : (
          <span className="small">{t("Whoever runs this Mecum can connect a stronger one.")}</span>
        )}
        {!absent && (
          <span className="muted small note__now">
            {t("Now: {name}, {licence}. Nothing leaves this machine.", { name: local.name, licence: local.licence })}
          </span>
        )}
      </p>
    </Line>
  );
}
