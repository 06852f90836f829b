import { Children, type ReactNode } from "react";

/** Short facts in a row with dots between them: a fact is not broken, and no line begins or ends with a dot. */
export function Dots({ children, className = "" }: { children: ReactNode; className?: string }) {
  return (
    <span className={`dots ${className}`.trim()}>
      {Children.map(children, (fact) => fact && <span>{fact}</span>)}
    </span>
  );
}
