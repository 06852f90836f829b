import * as Radix from "@radix-ui/react-dropdown-menu";
import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { Icon } from "./Icon";

export interface MenuContentProps {
  /** The button that opens it. */
  children: ReactNode;
  items: ReactNode;
  align: "start" | "end";
  side: "top" | "bottom";
  /** Where it is drawn; the document itself by default. */
  layer: HTMLElement | null;
  open: boolean;
  onOpenChange: (open: boolean) => void;
}

export default function MenuContent({ children, items, align, side, layer, open, onOpenChange }: MenuContentProps) {
  return (
    <Radix.Root modal={false} open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{children}</Radix.Trigger>
      <Radix.Portal container={layer}>
        <Radix.Content className="menu menu--over" align={align} side={side} sideOffset={6} collisionPadding={8}>
          {items}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

interface MenuItemProps {
  icon?: LucideIcon;
  danger?: boolean;
  onSelect: () => void;
  children: ReactNode;
}

export function MenuItem({ icon, danger, onSelect, children }: MenuItemProps) {
  return (
    <Radix.Item asChild onSelect={onSelect}>
      <button type="button" className={danger ? "menu__danger" : undefined}>
        {icon && <Icon of={icon} />}
        <span className="grow">{children}</span>
      </button>
    </Radix.Item>
  );
}

export function MenuChoice({ checked, onSelect, children }: { checked: boolean; onSelect: () => void; children: ReactNode }) {
  return (
    <Radix.CheckboxItem asChild checked={checked} onSelect={onSelect}>
      <button type="button">
        <span className="menu__tick" />
        <span className="grow">{children}</span>
      </button>
    </Radix.CheckboxItem>
  );
}

export function MenuLine() {
  return <Radix.Separator className="menu__line" />;
}

export function MenuLabel({ children }: { children: ReactNode }) {
  return <Radix.Label className="menu__label">{children}</Radix.Label>;
}
