import type { LucideIcon } from "lucide-react";
import type { ButtonHTMLAttributes, Ref } from "react";
import { Icon } from "./Icon";

type Kind = "plain" | "main" | "quiet" | "danger";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  small?: boolean;
  busy?: boolean;
  icon?: LucideIcon;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = "plain", small = false, busy = false, icon, className = "", children, disabled, ...rest }: ButtonProps) {
  const looks = ["btn", kind !== "plain" && `btn--${kind}`, small && "btn--s", className].filter(Boolean).join(" ");
  return (
    <button type="button" {...rest} className={looks} disabled={disabled || busy} aria-busy={busy || undefined}>
      {icon && <Icon of={icon} small />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  icon: LucideIcon;
  label: string;
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ icon, label, small = false, className = "", ...rest }: IconButtonProps) {
  return (
    <button type="button" title={label} {...rest} aria-label={label} className={`ib ${small ? "ib--s" : ""} ${className}`.trim()}>
      <Icon of={icon} small={small} />
    </button>
  );
}

export function TextButton({ className = "", ...rest }: ButtonHTMLAttributes<HTMLButtonElement>) {
  return <button type="button" {...rest} className={`textbtn ${className}`.trim()} />;
}
