import { t } from "~/i18n";
import { seconds } from "~/ui/time";
import type { Look, Wait } from "./data";
import { BAND_TOKENS, bandName, poolName, soon, whoName, whyWords } from "./words";

export function Waits({ look }: { look: Look }) {
  const names = [...new Set(look.waits.map((wait) => wait.pool))];
  const pools = new Map(look.pools.map((pool) => [pool.name, pool]));
  const called = (name: string) => poolName(name, pools.get(name)?.local ?? false);
  const rest = look.groups - look.waits.length;
  return (
    <section className="desk-block" aria-labelledby="waits">
      <div className="desk-block__head">
        <h2 id="waits">{t("Who waits, and why")}</h2>
        {names.length === 1 && <span>{called(names[0] ?? "")}</span>}
      </div>
      <table className="table waits">
        <thead>
          <tr>
            <th>{t("Who")}</th>
            <th>{t("Band")}</th>
            <th className="r">{t("Waits")}</th>
            <th>{t("Why")}</th>
            <th className="r">{t("Starts in")}</th>
          </tr>
        </thead>
        <tbody>
          {look.waits.map((wait) => (
            <tr key={keyOf(wait)} data-testid="wait">
              <td>
                {whoName(wait)} {wait.calls > 1 && <small title={t("{n, plural, one {# call} other {# calls}}", { n: wait.calls })}>{wait.calls}</small>}
                {names.length > 1 && <small className="waits__pool">{called(wait.pool)}</small>}
              </td>
              <td>
                <span className="band" style={{ "--k": `var(${BAND_TOKENS[wait.band]})` } as React.CSSProperties}>
                  {bandName(wait.band)}
                </span>
              </td>
              <td className="r">{seconds(wait.longest_s)}</td>
              <td>{whyWords(wait, pools.get(wait.pool))}</td>
              <td className="r">
                <span className="waits__word">{t("starts in")} </span>
                {soon(wait.about_s)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rest > 0 && <p className="muted small waits__rest">{t("And {n, plural, one {# more group} other {# more groups}} who came later.", { n: rest })}</p>}
    </section>
  );
}

function keyOf(wait: Wait): string {
  return [wait.pool, wait.band, wait.person, wait.key, wait.longest_s].join("/");
}
