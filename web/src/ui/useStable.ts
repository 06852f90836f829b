import { useCallback, useEffect, useRef } from "react";

/** A function that never changes and always calls the newest `action`: for handlers of components that render rarely. */
export function useStable<Args extends unknown[], Result>(action: (...args: Args) => Result): (...args: Args) => Result {
  const latest = useRef(action);
  useEffect(() => {
    latest.current = action;
  });
  return useCallback((...args: Args) => latest.current(...args), []);
}
