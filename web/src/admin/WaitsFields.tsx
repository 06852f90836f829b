import { ChevronRight } from "lucide-react";
import type { Timeouts } from "~/api/types";
import { t } from "~/i18n";
import { Field } from "~/ui/Field";
import { Icon } from "~/ui/Icon";

const WAITS: readonly { name: keyof Timeouts; label: () => string }[] = [
  { name: "first_byte_s", label: () => t("Until it begins") },
  { name: "silence_s", label: () => t("Silence in the middle") },
  { name: "total_s", label: () => t("Altogether") },
];

/** How long a provider is waited for; folded, because the house's own waits mostly do. */
export function WaitsFields({ waits, onChange }: { waits: Timeouts; onChange: (waits: Timeouts) => void }) {
  return (
    <details className="step raw">
      <summary>
        <Icon of={ChevronRight} small className="chev" />
        {t("How long it is waited for")}
      </summary>
      <div className="trio">
        {WAITS.map(({ name, label }) => (
          <Field
            key={name}
            label={label()}
            type="number"
            min={0.1}
            step="any"
            placeholder={t("as usual")}
            value={waits[name] ?? ""}
            onChange={(event) => onChange({ ...waits, [name]: event.target.value ? Number(event.target.value) : null })}
          />
        ))}
      </div>
      <p className="help">{t("In seconds. Leave a field empty to wait as for all others.")}</p>
    </details>
  );
}
