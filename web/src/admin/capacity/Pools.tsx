import { t } from "~/i18n";
import { compact } from "~/ui/figures";
import { number, seconds } from "~/ui/time";
import { BANDS, type Look, type Pool } from "./data";
import { BAND_TOKENS, bandName, percent, poolName, soon } from "./words";

export function Pools({ look }: { look: Look }) {
  const measured = look.pools.some((pool) => pool.unit === "tokens");
  return (
    <section className="desk-block" aria-labelledby="pools">
      <div className="desk-block__head">
        <h2 id="pools">{t("Pools")}</h2>
        {measured && (
          <span>
            {t("A tick marks how full a pool may be before that band stops, while others are about: bulk {bulk}, background {background}, programs {api}.", {
              bulk: percent(look.ceilings.bulk),
              background: percent(look.ceilings.background),
              api: percent(look.ceilings.api),
            })}
          </span>
        )}
      </div>
      <div className="pool pool--head" aria-hidden="true">
        <span>{t("Pool")}</span>
        <span>{t("In use")}</span>
        <span className="r">{t("Full")}</span>
        <span className="r">{t("First word")}</span>
        <span className="r">{t("Waiting")}</span>
      </div>
      <ul>
        {look.pools.map((pool) => (
          <PoolRow key={pool.name} pool={pool} look={look} />
        ))}
      </ul>
    </section>
  );
}

function PoolRow({ pool, look }: { pool: Pool; look: Look }) {
  // A single call may be larger than the whole pool.
  const share = pool.limit > 0 ? Math.min(1, pool.used / pool.limit) : 0;
  const parts = pool.bands.filter((band) => band.used > 0);
  const said = parts.map((band) => t("{band} {share}", { band: bandName(band.band), share: percent(band.used / Math.max(1, pool.limit)) }));
  const marked = pool.unit === "tokens" ? BANDS.filter((band) => look.ceilings[band] < 1) : [];
  return (
    <li className="pool" data-testid="pool" data-state={pool.state}>
      <span>
        <b>
          <i className={`dot dot--${pool.state}`} />
          {poolName(pool.name, pool.local)}
        </b>
        <small>{about(pool)}</small>
      </span>
      <div className="use" role="img" aria-label={[t("{share} in use", { share: percent(share) }), ...said].join(", ")}>
        <span>
          {parts.map((band) => (
            <i key={band.band} style={{ width: `${(band.used / Math.max(pool.limit, pool.used, 1)) * 100}%`, background: `var(${BAND_TOKENS[band.band]})` }} />
          ))}
        </span>
        {marked.map((band) => (
          <em key={band} style={{ left: `${look.ceilings[band] * 100}%` }} title={t("{band} stops at {share}", { band: bandName(band), share: percent(look.ceilings[band]) })} />
        ))}
      </div>
      <span className="r">
        <span className="vh">{t("Full")} </span>
        {percent(share)}
      </span>
      <span className="r">
        <span className="pool__word">{t("First word")} </span>
        {pool.first_word_s === null ? "–" : seconds(pool.first_word_s)}
      </span>
      <span className="r">
        <span className="pool__word">{t("Waiting")} </span>
        {pool.waiting > 0 ? <b>{number(pool.waiting)}</b> : 0}
      </span>
    </li>
  );
}

/** What it is and how it is, in few words. */
function about(pool: Pool): string {
  if (pool.state === "held") return t("said that it is too much, asked again in {time}", { time: soon(pool.held_s) });
  if (pool.local && pool.limit === 0) return pool.state === "absent" ? t("not here yet") : t("wakes when it is asked");
  if (pool.unit === "calls") return t("{used} of {n, plural, one {# slot} other {# slots}}", { used: pool.used, n: pool.limit });
  const most = t("up to {n} tokens at once", { n: compact(pool.limit) });
  return pool.slowdown >= 1.5 && pool.running > 0 ? t("{most}; {n} times slower than idle", { most, n: number(pool.slowdown, 1) }) : most;
}
