import { type ReactNode, useState } from "react";
import { localModelQuery, mayOperate, queryClient, useLocalModel, usePerson } from "~/api/client";
import { api } from "~/api/http";
import type { LocalModel } from "~/api/types";
import { t } from "~/i18n";
import { ProblemText } from "~/problems/ProblemText";
import { Button } from "~/ui/Button";
import { Line } from "~/ui/Line";
import { Meter } from "~/ui/Meter";
import { bytes, number, timeLeft } from "~/ui/time";
import { toastError } from "~/ui/toast";

export function titleOf(model: LocalModel): string | null {
  switch (model.state) {
    case "absent":
    case "arriving":
      return t("Your model is arriving");
    case "paused":
      return t("Your model waits half-way");
    case "loading":
      return t("Your model is waking up");
    case "failed":
      return t("Your model did not start");
    default:
      return null;
  }
}

function noteOf(model: LocalModel): ReactNode {
  if (model.state === "failed") return model.problem ? <ProblemText problem={model.problem} /> : t("I could not read why.");
  if (model.state === "loading") return t("It is being read into memory. You can write already.");
  const amount = model.bytes_total
    ? t("{done} of {total}", { done: bytes(model.bytes_done ?? 0).replace(/ \D+$/, ""), total: bytes(model.bytes_total) })
    : "";
  if (model.state === "paused") return t("{amount}. Go on when you like.", { amount });
  if (!amount || model.seconds_left === null) return t("You can write already; I answer when it is here.");
  return t("{amount}, {left}. You can write already; I answer when it is here.", { amount, left: timeLeft(model.seconds_left) });
}

/** How far the built-in model is, with a way to pause it. */
export function ModelProgress({ model }: { model: LocalModel }) {
  const person = usePerson();
  const [busy, setBusy] = useState(false);
  const part = model.bytes_total ? (model.bytes_done ?? 0) / model.bytes_total : null;
  const moving = model.state === "arriving" || model.state === "paused" || model.state === "absent";

  async function turn(verb: "pause" | "resume") {
    setBusy(true);
    try {
      await api.post(`/models/local/${verb}`);
      await queryClient.invalidateQueries({ queryKey: localModelQuery.queryKey });
    } catch (error) {
      toastError(error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <div className="card arrive" data-testid="local-model" data-state={model.state}>
      <div className="arrive__row">
        <b>{titleOf(model)}</b>
        {moving && part !== null && <span className="num">{t("{n} %", { n: number(Math.floor(part * 100)) })}</span>}
      </div>
      {model.state !== "failed" && <Meter label={t("Model download")} value={model.state === "loading" ? null : part} />}
      <div className="row wrap small muted num">
        <span className="grow">{noteOf(model)}</span>
        {mayOperate(person) && model.state === "arriving" && (
          <Button kind="quiet" small busy={busy} onClick={() => void turn("pause")}>
            {t("Pause")}
          </Button>
        )}
        {mayOperate(person) && (model.state === "paused" || model.state === "failed") && (
          <Button small busy={busy} onClick={() => void turn("resume")}>
            {model.state === "paused" ? t("Go on") : t("Try again")}
          </Button>
        )}
      </div>
    </div>
  );
}

export function ModelState() {
  const model = useLocalModel();
  if (!model || titleOf(model) === null) return null;
  return (
    <Line who={t("Now")} className="block">
      <ModelProgress model={model} />
    </Line>
  );
}
