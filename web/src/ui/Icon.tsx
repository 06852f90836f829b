import type { LucideIcon } from "lucide-react";

/** A Lucide drawing, always decoration: the words stand beside it or in the button's label. */
export function Icon({ of: Drawing, small = false, className = "" }: { of: LucideIcon; small?: boolean; className?: string }) {
  return <Drawing aria-hidden="true" className={`i ${small ? "i--s" : ""} ${className}`.trim()} />;
}
