import { useInstallation } from "~/api/client";
import { t } from "~/i18n";
import { Field } from "./Field";

interface NewPasswordProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  autoFocus?: boolean;
}

/** A password that is being chosen, with how long it must be here. */
export function NewPassword({ onChange, ...field }: NewPasswordProps) {
  const { password_chars } = useInstallation().limits;
  return (
    <Field
      {...field}
      type="password"
      autoComplete="new-password"
      required
      minLength={password_chars}
      onChange={(event) => onChange(event.target.value)}
      help={t("At least {n} characters. A sentence is easier to keep than a word.", { n: password_chars })}
    />
  );
}
