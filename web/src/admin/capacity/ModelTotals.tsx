import { t } from "~/i18n";
import { compact } from "~/ui/figures";
import { money } from "~/ui/money";
import { number, seconds } from "~/ui/time";
import type { History } from "./data";
import { poolName } from "./words";

const BUILT_IN = "built-in";

/** Which models were asked most in a day or a week. */
export function ModelTotals({ history }: { history: History }) {
  const costs = history.models.some((row) => row.cost_micros > 0);
  return (
    <section className="desk-block" aria-labelledby="by-model">
      <div className="desk-block__head">
        <h2 id="by-model">{t("What was asked")}</h2>
        <span>{history.span === "day" ? t("in the last 24 hours") : t("in the last seven days")}</span>
      </div>
      <div className="scroll">
        <table className="table totals">
          <thead>
            <tr>
              <th>{t("Model")}</th>
              <th className="r">{t("Calls")}</th>
              <th className="r">{t("Tokens")}</th>
              {costs && <th className="r">{t("Cost")}</th>}
              <th className="r">{t("Longest wait")}</th>
              <th className="r">{t("Turned away")}</th>
              <th className="r">{t("Cut short")}</th>
            </tr>
          </thead>
          <tbody>
            {history.models.map((row) => (
              <tr key={`${row.provider}/${row.model}`}>
                <td>
                  {row.model} <small>{poolName(row.provider, row.provider === BUILT_IN)}</small>
                </td>
                <td className="r">{number(row.calls)}</td>
                <td className="r">{compact(row.tokens)}</td>
                {costs && <td className="r">{money(row.cost_micros, history.currency)}</td>}
                <td className="r">{seconds(row.longest_wait_s)}</td>
                <td className="r">{number(row.refused)}</td>
                <td className="r">{number(row.degraded)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
