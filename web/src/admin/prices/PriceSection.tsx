import { useState } from "react";
import type { Price } from "~/api/types";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Dots } from "~/ui/Dots";
import { dateAndTime } from "~/ui/time";
import { usePriceOf } from "./data";
import { PriceForm } from "./PriceForm";
import { PriceVersions } from "./PriceVersions";
import { furtherKinds, kindName, priceWords } from "./words";

function Stated({ price, currency }: { price: Price; currency: string }) {
  return (
    <div>
      <b>{priceWords(price, currency)}</b>
      <Dots className="small muted">
        {furtherKinds(price).map((kind) => (
          <span key={kind}>
            {kindName(kind)}: {price[kind]}
          </span>
        ))}
        {t("since {time}", { time: dateAndTime(price.since) })}
      </Dots>
    </div>
  );
}

/** What a model costs: now, next, and before. */
export function PriceSection({ model }: { model: string }) {
  const [open, setOpen] = useState<"form" | "versions" | null>(null);
  const { currency, priced } = usePriceOf(model);
  if (!priced) return null;
  const { price, coming } = priced;
  return (
    <section>
      <h3>{t("What it costs")}</h3>
      {price ? <Stated price={price} currency={currency} /> : <p className="muted">{t("No price is stated, so what it does is counted and costs nothing.")}</p>}
      {coming && (
        <p>
          {t("From {time} on:", { time: dateAndTime(coming.since) })} {priceWords(coming, currency)}
        </p>
      )}
      {open === "form" && <PriceForm model={model} currency={currency} before={price} onDone={() => setOpen(null)} />}
      {open === "versions" && <PriceVersions model={model} now={price} />}
      {open !== "form" && (
        <div className="form__do">
          <Button small onClick={() => setOpen("form")}>
            {price ? t("Change the price") : t("State a price")}
          </Button>
          {(price ?? coming) && (
            <Button small kind="quiet" aria-expanded={open === "versions"} onClick={() => setOpen(open ? null : "versions")}>
              {t("All its prices")}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}
