import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { Plus } from "lucide-react";
import { queryClient, useLocalModel, useModels } from "~/api/client";
import { api } from "~/api/http";
import type { List, LocalModel, Model, Provider } from "~/api/types";
import { ROUTER } from "~/api/router";
import { t } from "~/i18n";
import { ModelProgress, titleOf } from "~/newpage/ModelState";
import { Bar } from "~/shell/Bar";
import { Button } from "~/ui/Button";
import { Panel } from "~/ui/Dialog";
import { Lead, Line } from "~/ui/Line";
import { ErrorNote, Skeleton } from "~/ui/Note";
import { toastError } from "~/ui/toast";
import { BuiltInAccess } from "./BuiltInAccess";
import { AliasesLine } from "./aliases/AliasesLine";
import { refreshAliases } from "./aliases/data";
import { Connect } from "./Connect";
import { refreshPrices } from "./prices/data";
import { PricesLine } from "./prices/PricesLine";
import { ProviderCard } from "./ProviderCard";
import { RouterLine } from "./RouterLine";
import { TestButton } from "./TestButton";

export const PROVIDERS = ["providers"];

export async function refreshModels(): Promise<void> {
  await Promise.all([queryClient.invalidateQueries({ queryKey: PROVIDERS }), queryClient.invalidateQueries({ queryKey: ["models"] }), refreshPrices(), refreshAliases()]);
}

export async function makeDefault(name: string): Promise<void> {
  try {
    await api.put("/models/default", { name });
    await refreshModels();
  } catch (error) {
    toastError(error);
  }
}

function titleWords(answers: Model | undefined, local: LocalModel | undefined): string {
  if (!answers) return t("No model answers yet");
  if (answers.name === ROUTER) return t("Fast or thinking, as the question needs");
  const coming = answers.local && local && titleOf(local) !== null;
  return coming ? t("{name} will answer", { name: answers.name }) : t("{name} answers", { name: answers.name });
}

/** First the finding: which model answers, and what is wrong. */
function Finding({ models, providers }: { models: Model[] | undefined; providers: Provider[] | undefined }) {
  const local = useLocalModel();
  if (!models) return <Lead title={t("Models")} />;
  const answers = models.find((model) => model.default && model.kind === "chat");
  const failing = providers?.filter((provider) => provider.state === "failing") ?? [];
  return (
    <Lead title={titleWords(answers, local)}>
      {answers ? t("Everybody can choose another for a message.") : t("Connect one, and everybody here can begin.")}
      {failing.length > 0 && ` ${t("{names} can’t be reached.", { names: failing.map((one) => one.name).join(t(", ")) })}`}
    </Lead>
  );
}

function BuiltIn({ models }: { models: Model[] | undefined }) {
  const local = useLocalModel();
  if (!local || local.state === "off") return null;
  const model = models?.find((one) => one.local && one.kind === "chat");
  return (
    <Line who={t("Built in")} className="block">
      {titleOf(local) !== null ? (
        <ModelProgress model={local} />
      ) : (
        <article className="card" aria-label={local.name}>
          <header className="card__who">
            <div className="card__name grow">
              <b>{local.name}</b> <small>
                <span className="sep">· </span>
                {t("runs on this machine")}
              </small>
            </div>
            {model?.default && <span className="tag tag--box tag--accent">{t("answers")}</span>}
          </header>
          <footer className="card__do">
            <span className="grow">
              {local.publisher}, {local.licence}. {t("Small: good at rewriting and short plans, weak at facts and long texts.")}
              {local.sha256 && (
                <span className="weights">
                  {t("SHA-256 of its weights:")} <code className="mono">{local.sha256}</code>
                </span>
              )}
            </span>
            <BuiltInAccess />
            {model && <TestButton path={`/models/${encodeURIComponent(model.name)}/test`} />}
            {model && !model.default && (
              <Button small onClick={() => void makeDefault(model.name)}>
                {t("Let it answer")}
              </Button>
            )}
          </footer>
        </article>
      )}
    </Line>
  );
}

export function ModelsPage() {
  const { connect } = useSearch({ from: "/house/admin/models" });
  const navigate = useNavigate();
  const models = useModels(true);
  const providers = useQuery({ queryKey: PROVIDERS, queryFn: ({ signal }) => api.get<List<Provider>>("/providers?limit=200", signal) });
  const open = (now: boolean) => void navigate({ to: "/admin/models", search: now ? { connect: true } : {} });
  const connected = providers.data?.items ?? [];
  return (
    <>
      <Bar title={t("Models")}>
        <Button small kind="main" icon={Plus} onClick={() => open(true)}>
          {t("Connect")}
        </Button>
      </Bar>
      <div className="sheet">
        <Finding models={models} providers={providers.data?.items} />
        <BuiltIn models={models} />
        <Line who={t("Connected")} className="block">
          {providers.isPending && <Skeleton />}
          <ErrorNote error={providers.error} onRetry={() => void providers.refetch()} />
          {providers.data && connected.length === 0 && (
            <div className="empty">
              <p>{t("No provider is connected. It can be a service with a key, or a model server in your own cellar.")}</p>
              <Button onClick={() => open(true)}>{t("Connect a provider")}</Button>
            </div>
          )}
          <div className="stack">
            {connected.map((provider) => (
              <ProviderCard key={provider.id} provider={provider} />
            ))}
          </div>
        </Line>
        <AliasesLine providers={connected} />
        {models && <RouterLine models={models} />}
        <PricesLine />
      </div>
      <Panel open={connect === true} onClose={() => open(false)} title={t("Connect a model")}>
        <Connect onDone={() => open(false)} />
      </Panel>
    </>
  );
}
