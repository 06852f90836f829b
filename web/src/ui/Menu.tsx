import { cloneElement, lazy, type ReactElement, type ReactNode, Suspense, useState } from "react";

export interface MenuProps {
  /** The button that opens it. */
  children: ReactElement<ButtonProps>;
  /** Its lines, made of the parts in MenuContent; asked for when it opens. */
  items: () => ReactNode;
  align?: "start" | "end";
  side?: "top" | "bottom";
}

interface ButtonProps {
  onClick?: () => void;
  onPointerEnter?: () => void;
  "aria-haspopup"?: "menu";
  "aria-expanded"?: boolean;
}

const load = () => import("./MenuContent");
const MenuContent = lazy(load);

/** A menu. Its machinery is loaded when a pointer comes near its button, or when that is pressed. */
export function Menu(props: MenuProps) {
  const [wanted, setWanted] = useState(false);
  const [open, setOpen] = useState(false);
  const button = cloneElement(props.children, {
    "aria-haspopup": "menu",
    "aria-expanded": false,
    onPointerEnter: () => void load(),
    onClick: () => {
      setWanted(true);
      setOpen(true);
    },
  });
  if (!wanted) return button;
  return (
    <Suspense fallback={button}>
      <MenuContent {...props} open={open} onOpenChange={setOpen} />
    </Suspense>
  );
}
