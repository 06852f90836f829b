import type { ReactNode } from "react";

interface LineProps {
  /** Margin: who or which part. */
  who?: ReactNode;
  /** Margin: when, or a second word. */
  when?: ReactNode;
  className?: string;
  children: ReactNode;
  labelledBy?: string;
}

/** One line of a page: margin at the left, column at the right. */
export function Line({ who, when, className = "", children, labelledBy }: LineProps) {
  return (
    <section className={`line ${className}`} aria-labelledby={labelledBy}>
      <div className="side">
        {who && <b>{who}</b>}
        {when}
      </div>
      <div>{children}</div>
    </section>
  );
}

/** A page's title and its finding in words. */
export function Lead({ title, children }: { title: ReactNode; children?: ReactNode }) {
  return (
    <div className="line lead">
      <div className="side" />
      <div>
        <h1>{title}</h1>
        {children && <p>{children}</p>}
      </div>
    </div>
  );
}
