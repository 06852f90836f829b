import { canThink } from "~/api/router";
import { useModels } from "~/api/client";
import type { Effort } from "~/api/types";
import { t } from "~/i18n";
import { Seg } from "~/ui/Field";

interface EffortChoiceProps {
  /** The model that was chosen by name. */
  model: string | undefined;
  value: Effort;
  onChange: (effort: Effort) => void;
}

/** Auto, fast or thinking; shown only where that makes a difference. */
export function EffortChoice({ model, value, onChange }: EffortChoiceProps) {
  if (!canThink(useModels(), model)) return null;
  return (
    <Seg
      legend={t("How to answer")}
      value={value}
      onChange={onChange}
      options={[
        { value: "auto", label: t("Auto"), title: t("I choose between fast and thinking") },
        { value: "fast", label: t("Fast"), title: t("Answer at once") },
        { value: "think", label: t("Think"), title: t("Take time to think first") },
      ]}
    />
  );
}
