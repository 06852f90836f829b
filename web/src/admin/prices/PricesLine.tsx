import { lazy, Suspense, useState } from "react";
import { t } from "~/i18n";
import { Button } from "~/ui/Button";
import { Panel } from "~/ui/Dialog";
import { Line } from "~/ui/Line";
import { download } from "~/ui/saveFile";
import { usePrices } from "./data";

const PriceFile = lazy(() => import("./PriceFile"));

/** How many models have a price, and lists of prices in and out. */
export function PricesLine() {
  const [open, setOpen] = useState(false);
  const { data } = usePrices();
  if (!data || data.items.length === 0) return null;
  const stated = data.items.filter((priced) => priced.price !== null).length;
  return (
    <Line who={t("Prices")} className="block">
      <p className="lead-in">
        {t("{stated} of {n, plural, one {# model} other {# models}} have a price, in {currency}.", { stated, n: data.items.length, currency: data.currency })}{" "}
        <span className="muted">{t("The built-in ones cost nothing.")}</span>
      </p>
      <div className="form__do">
        <Button small onClick={() => setOpen(true)}>
          {t("Import a price file")}
        </Button>
        <Button small kind="quiet" onClick={() => download("/api/prices/file?format=csv")}>
          {t("Export")}
        </Button>
      </div>
      <Panel open={open} onClose={() => setOpen(false)} title={t("Prices from a file")}>
        <Suspense>{open && <PriceFile onDone={() => setOpen(false)} />}</Suspense>
      </Panel>
    </Line>
  );
}
