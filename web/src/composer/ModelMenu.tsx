import { useQuery } from "@tanstack/react-query";
import { ChevronDown } from "lucide-react";
import { modelsQuery } from "~/api/client";
import { t } from "~/i18n";
import { Icon } from "~/ui/Icon";
import { Menu } from "~/ui/Menu";

const load = () => import("./ModelItems");

/** Which model answers; shown only where there is something to choose. */
export function ModelMenu({ value, onChange }: { value: string | undefined; onChange: (name: string | undefined) => void }) {
  const models = useQuery(modelsQuery).data?.items.filter((model) => model.kind === "chat") ?? [];
  if (models.length < 2) return null;
  return (
    <Menu load={load} given={{ models, value, onChange }} side="top" align="end">
      <button type="button" className="btn btn--quiet btn--s desk write__model" aria-label={value && t("Who answers: {name}", { name: value })}>
        {value ?? t("Model")}
        <Icon of={ChevronDown} small />
      </button>
    </Menu>
  );
}
