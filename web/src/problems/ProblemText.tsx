import { type ComponentType, lazy, Suspense } from "react";
import type { WordedProps } from "./Worded";

/** Without the words: what the server said. */
function Said({ problem, short = false }: WordedProps) {
  return (
    <>
      {problem.detail} {problem.hint && !short && <span className="muted">{problem.hint}</span>}
    </>
  );
}

// The words of all problems are many and seldom needed. When they can't be fetched, the page still says what it knows.
const Worded = lazy((): Promise<{ default: ComponentType<WordedProps> }> => import("./Worded").catch(() => ({ default: Said })));

/** A problem that the server kept or put into an answer, in the person's language. */
export function ProblemText(props: WordedProps) {
  return (
    <Suspense>
      <Worded {...props} />
    </Suspense>
  );
}
