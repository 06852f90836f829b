import { ChevronDown, Cpu } from "lucide-react";
import { useModels } from "~/api/client";
import { nameable } from "~/api/router";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { Menu } from "~/ui/Menu";

const load = () => import("./ModelItems");

/** Which model answers; shown only where there is something to choose. */
export function ModelMenu({ value, onChange }: { value: string | undefined; onChange: (name: string | undefined) => void }) {
  const chat = nameable(useModels());
  if (chat.length < 2) return null;
  return (
    <Menu load={load} given={{ value, onChange }} side="top" align="end">
      <button type="button" className="btn btn--quiet btn--s write__model" aria-label={value ? t("Who answers: {name}", { name: value }) : t("Model")} data-chosen={value !== undefined}>
        <Icon of={Cpu} />
        <span>{value ?? t("Model")}</span>
        <Icon of={ChevronDown} small />
      </button>
    </Menu>
  );
}
