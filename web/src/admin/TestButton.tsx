import { Check, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/http";
import type { ModelTest } from "~/api/types";
import { wordsOf } from "~/api/words";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { number } from "~/ui/time";

interface TestButtonProps {
  path: string;
  body?: () => unknown;
  disabled?: boolean;
}

/** A real short call, with what came back. */
export function TestButton({ path, body, disabled = false }: TestButtonProps) {
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<ModelTest | { ok: false; problem: { detail: string; hint?: string } } | null>(null);

  async function test() {
    setBusy(true);
    setResult(null);
    try {
      setResult(await api.post<ModelTest>(path, body?.() ?? {}));
    } catch (error) {
      const { what, hint } = wordsOf(error);
      setResult({ ok: false, problem: { detail: what, hint } });
    } finally {
      setBusy(false);
    }
  }

  return (
    <span className="trial">
      <Button small busy={busy} disabled={disabled} onClick={() => void test()}>
        {busy ? t("Asking") : t("Test")}
      </Button>
      <span className="trial__said" role="status" data-testid="test-result">
        {result?.ok && "latency_ms" in result && (
          <span className="trial__ok">
            <Icon of={Check} small />
            {t("It answers, in {n} ms.", { n: number(result.latency_ms) })} {result.text && <q>{result.text.slice(0, 120)}</q>}
          </span>
        )}
        {result && !result.ok && (
          <span className="trial__bad">
            <Icon of={TriangleAlert} small />
            {result.problem?.detail ?? t("It does not answer.")} {result.problem?.hint}
          </span>
        )}
      </span>
    </span>
  );
}
