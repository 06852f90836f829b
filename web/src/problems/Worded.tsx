import type { Problem } from "~/api/types";
import { problemWords } from "./words";

export interface WordedProps {
  problem: Problem;
  /** What happened alone, without what to do about it. */
  short?: boolean;
}

export default function Worded({ problem, short = false }: WordedProps) {
  const { what, hint } = problemWords(problem);
  return (
    <>
      {what} {hint && !short && <span className="muted">{hint}</span>}
    </>
  );
}
