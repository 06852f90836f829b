import { cloneElement, type ComponentType, type MouseEvent, type ReactElement, useRef, useState } from "react";
import type { MenuContentProps } from "./MenuContent";

interface ButtonProps {
  onClick?: (event: MouseEvent<HTMLElement>) => void;
  onPointerEnter?: () => void;
  "aria-haspopup"?: "menu";
  "aria-expanded"?: boolean;
}

interface MenuProps<Props extends object> {
  /** The button that opens it. */
  children: ReactElement<ButtonProps>;
  /** Brings its lines, made of the parts in MenuContent. */
  load: () => Promise<{ default: ComponentType<Props> }>;
  /** What the lines are given. */
  given: Props;
  align?: "start" | "end";
  side?: "top" | "bottom";
}

interface Parts<Props> {
  Content: ComponentType<MenuContentProps>;
  Items: ComponentType<Props>;
}

/** A menu. It is loaded when a pointer comes near its button, or when that is pressed. */
export function Menu<Props extends object>({ children, load, given, align = "end", side = "bottom" }: MenuProps<Props>) {
  const [parts, setParts] = useState<Parts<Props> | null>(null);
  const [open, setOpen] = useState(false);
  // The rail of a phone is in the top layer, which covers all that is not inside it.
  const [layer, setLayer] = useState<HTMLElement | null>(null);
  const coming = useRef<Promise<Parts<Props>>>(null);
  const bring = () => {
    coming.current ??= Promise.all([import("./MenuContent"), load()]).then(([content, items]) => ({ Content: content.default, Items: items.default }));
    return coming.current;
  };
  if (parts) {
    const { Content, Items } = parts;
    return (
      <Content open={open} onOpenChange={setOpen} align={align} side={side} layer={layer} items={<Items {...given} />}>
        {children}
      </Content>
    );
  }
  return cloneElement(children, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: () => void bring(),
    onClick: (event) => {
      setLayer(event.currentTarget.closest<HTMLElement>(":popover-open"));
      void bring().then((all) => {
        setParts(all);
        setOpen(true);
      });
    },
  });
}
