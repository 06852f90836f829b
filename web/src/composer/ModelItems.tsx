import { useModels } from "~/api/client";
import { nameable } from "~/api/router";
import { t } from "~/i18n";
import { MenuChoice, MenuLabel } from "~/ui/MenuContent";

interface ModelItemsProps {
  value: string | undefined;
  onChange: (name: string | undefined) => void;
}

export default function ModelItems({ value, onChange }: ModelItemsProps) {
  const chat = nameable(useModels(true));
  return (
    <>
      <MenuLabel>{t("Who answers")}</MenuLabel>
      <MenuChoice checked={value === undefined} onSelect={() => onChange(undefined)}>
        {t("I choose")}
      </MenuChoice>
      {chat.map((model) => (
        <MenuChoice key={model.name} checked={value === model.name} onSelect={() => onChange(model.name)}>
          {model.name}
          {model.note && <small>{model.note}</small>}
        </MenuChoice>
      ))}
    </>
  );
}
