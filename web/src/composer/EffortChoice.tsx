import type { Effort } from "~/api/types";
import { t } from "~/i18n";
import { Seg } from "~/ui/Field";

interface EffortChoiceProps {
  value: Effort;
  onChange: (effort: Effort) => void;
}

/** Auto, fast or thinking. */
export default function EffortChoice({ value, onChange }: EffortChoiceProps) {
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
