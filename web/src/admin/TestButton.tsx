import { Check, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { api } from "~/api/http";
import type { ModelTest } from "~/api/types";
import { wordsOf } from "~/api/words";
import { t } from "~/i18n";
import { ProblemText } from "~/problems/ProblemText";
import { Button } from "~/ui/Button";
import { Icon } from "~/ui/Icon";
import { number } from "~/ui/time";

interface TestButtonProps {
  path: string;
  body?: () => unknown;
  disabled?: boolean;
  /** What is known may have changed. */
  onDone?: () => unknown;
}

/** The call itself could not be asked for. */
function Failed({ error }: { error: unknown }) {
  const { what, hint } = wordsOf(error);
  return (
    <>
      {what} {hint}
    </>
  );
}

/** A real short call, with what came back. */
export function TestButton({ path, body, disabled = false, onDone }: TestButtonProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const [result, setResult] = useState<ModelTest | null>(null);

  async function test() {
    setBusy(true);
    setResult(null);
    setError(null);
    try {
      setResult(await api.post<ModelTest>(path, body?.() ?? {}));
    } catch (caught) {
      setError(caught);
    } finally {
      setBusy(false);
      onDone?.();
    }
  }

  return (
    <span className="trial">
      <Button small busy={busy} disabled={disabled} onClick={() => void test()}>
        {busy ? t("Asking") : t("Test")}
      </Button>
      <span className="trial__said" role="status" data-testid="test-result">
        {result?.ok && (
          <span className="trial__ok">
            <Icon of={Check} small />
            {t("It answers, in {n} ms.", { n: number(result.latency_ms) })} {result.text && <q>{result.text.slice(0, 120)}</q>}
          </span>
        )}
        {((result && !result.ok) || error !== null) && (
          <span className="trial__bad">
            <Icon of={TriangleAlert} small />
            {error !== null ? <Failed error={error} /> : result?.problem ? <ProblemText problem={result.problem} /> : t("It does not answer.")}
          </span>
        )}
      </span>
    </span>
  );
}
