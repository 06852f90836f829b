import { useEffect, useRef } from "react";

interface Keys {
  search: () => void;
  palette: () => void;
  newPage: () => void;
}

function writes(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** Keys that work anywhere: `/` to search, Ctrl K for everything, Ctrl Shift O for a new page. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  useEffect(() => {
    latest.current = keys;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const control = event.ctrlKey || event.metaKey;
      if (control && !event.shiftKey && event.key.toLowerCase() === "k") {
        event.preventDefault();
        latest.current.palette();
      } else if (control && event.shiftKey && event.key.toLowerCase() === "o") {
        event.preventDefault();
        latest.current.newPage();
      } else if (event.key === "/" && !control && !event.altKey && !writes(event.target) && !document.querySelector("[role=dialog]")) {
        event.preventDefault();
        latest.current.search();
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
