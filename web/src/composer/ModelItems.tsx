import type { Model } from "~/api/types";
import { t } from "~/i18n";
import { MenuChoice, MenuLabel } from "~/ui/MenuContent";

interface ModelItemsProps {
  models: Model[];
  value: string | undefined;
  onChange: (name: string | undefined) => void;
}

export default function ModelItems({ models, value, onChange }: ModelItemsProps) {
  return (
    <>
      <MenuLabel>{t("Who answers")}</MenuLabel>
      <MenuChoice checked={value === undefined} onSelect={() => onChange(undefined)}>
        {t("I choose")}
      </MenuChoice>
      {models.map((model) => (
        <MenuChoice key={model.name} checked={value === model.name} onSelect={() => onChange(model.name)}>
          {model.name}
        </MenuChoice>
      ))}
    </>
  );
}
