import { useQuery } from "@tanstack/react-query";
import { api } from "~/api/http";
import { nameable } from "~/api/router";
import type { Model, RouterChoice } from "~/api/types";
import { t } from "~/i18n";
import { Seg, Select } from "~/ui/Field";
import { Line } from "~/ui/Line";
import { ErrorNote } from "~/ui/Note";
import { useAction } from "~/ui/useAction";
import { refreshModels } from "./ModelsPage";

type Mode = RouterChoice["mode"];

/** Between which models Mecum chooses when nobody names one. */
export function RouterLine({ models }: { models: Model[] }) {
  const { data, error, refetch } = useQuery({ queryKey: ["models", "router"], queryFn: ({ signal }) => api.get<RouterChoice>("/models/router", signal) });
  const { busy, error: refused, run } = useAction();
  const all = nameable(models);
  const connected = all.filter((model) => !model.local);
  if (connected.length === 0) return null;

  async function put(choice: { mode: Mode; fast?: string; thinking?: string }) {
    await run(async () => {
      await api.put("/models/router", choice);
      await refreshModels();
    });
  }
  function turn(mode: Mode) {
    const reasoning = connected.find((model) => model.reasoning);
    const fast = data?.fast || connected.find((model) => model !== reasoning)?.name || all.find((model) => model !== reasoning)?.name || connected[0]?.name || "";
    const thinking = data?.thinking || reasoning?.name || connected.find((model) => model.name !== fast)?.name || fast;
    void put(mode === "chosen" ? { mode, fast, thinking } : { mode });
  }
  return (
    <Line who={t("Auto")} className="block">
      <p className="lead-in">
        {data?.fast ? finding(data) : t("Nothing to choose: whoever names no model gets the one that answers.")}
        {data?.mode === "itself" && !data.fast && (
          <span className="muted"> {t("Give two models the names mecum-fast and mecum-thinking, connect one that thinks, or choose two here.")}</span>
        )}
      </p>
      <ErrorNote error={error} onRetry={() => void refetch()} />
      {data && (
        <div className="stack" aria-busy={busy}>
          <Seg
            legend={t("Who chooses between fast and thinking")}
            value={data.mode}
            onChange={turn}
            options={[
              { value: "itself", label: t("By itself"), title: t("The names mecum-fast and mecum-thinking, or a model that thinks") },
              ...(all.length > 1 || data.mode === "chosen" ? [{ value: "chosen" as const, label: t("Two of mine"), title: t("You say which is fast and which thinks") }] : []),
              { value: "off", label: t("Off"), title: t("The model that answers, always") },
            ]}
          />
          {data.mode === "chosen" && (
            <div className="pair">
              <ModelSelect label={t("Answers fast")} models={all} value={data.fast} onChange={(fast) => void put({ ...data, fast })} />
              <ModelSelect label={t("Thinks first")} models={all} value={data.thinking} onChange={(thinking) => void put({ ...data, thinking })} />
            </div>
          )}
        </div>
      )}
      <ErrorNote error={refused} />
    </Line>
  );
}

function finding({ fast, thinking }: RouterChoice): string {
  return fast === thinking ? t("{name} answers fast or thinks first, as the question needs.", { name: fast }) : t("{fast} answers fast, {thinking} thinks first, as the question needs.", { fast, thinking });
}

interface ModelSelectProps {
  label: string;
  models: Model[];
  value: string;
  onChange: (name: string) => void;
}

function ModelSelect({ label, models, value, onChange }: ModelSelectProps) {
  return (
    <Select label={label} value={value} onChange={(event) => onChange(event.target.value)}>
      {models.map((model) => (
        <option key={model.name}>{model.name}</option>
      ))}
    </Select>
  );
}
