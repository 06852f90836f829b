import { Check, Copy } from "lucide-react";
import { t } from "~/i18n";
import { IconButton } from "./Button";
import { Field } from "./Field";
import { useCopy } from "./useCopy";

/** A value that is there to be copied. */
export function CopyField({ label, value, help }: { label: string; value: string; help?: string }) {
  const [copied, copy] = useCopy();
  return (
    <Field
      label={label}
      help={help}
      value={value}
      readOnly
      className="mono"
      onFocus={(event) => event.target.select()}
      after={<IconButton small icon={copied ? Check : Copy} label={copied ? t("Copied") : t("Copy")} onClick={() => copy(value)} />}
    />
  );
}
