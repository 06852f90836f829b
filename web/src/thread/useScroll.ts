import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ThreadState } from "./state/model";

const NEAR_PX = 120;
const SETTLE_MS = 1_500;

function distance(): number {
  const page = document.documentElement;
  return page.scrollHeight - window.innerHeight - window.scrollY;
}

/** Stays at the newest while the person is there, and lets them read above in peace. */
export function useScroll(thread: ThreadState, hash: string, ready: boolean): { toEnd: () => void; atEnd: boolean } {
  const [atEnd, setAtEnd] = useState(true);
  const follows = useRef(true);
  const shown = useRef("");

  const toEnd = useCallback(() => {
    follows.current = true;
    setAtEnd(true);
    // After the next paint, when what was sent is on the page.
    requestAnimationFrame(() => window.scrollTo({ top: document.documentElement.scrollHeight }));
  }, []);

  useEffect(() => {
    let last = window.scrollY;
    const onScroll = () => {
      const near = distance() < NEAR_PX;
      if (near) follows.current = true;
      else if (window.scrollY < last) follows.current = false;
      last = window.scrollY;
      setAtEnd(near || follows.current);
    };
    window.addEventListener("scroll", onScroll, { passive: true });
    return () => window.removeEventListener("scroll", onScroll);
  }, []);

  useLayoutEffect(() => {
    if (!ready) return;
    const found = hash && hash !== shown.current ? document.getElementById(hash) : null;
    if (found) {
      shown.current = hash;
      follows.current = false;
      found.scrollIntoView({ block: "center" });
    } else if (follows.current && distance() > 0) window.scrollTo({ top: document.documentElement.scrollHeight });
  }, [thread, ready, hash]);

  // Just after opening, what is loaded late (the renderer, fonts, pictures) still pushes the end down.
  useEffect(() => {
    if (!ready) return;
    const observer = new ResizeObserver(() => {
      if (follows.current) window.scrollTo({ top: document.documentElement.scrollHeight });
    });
    observer.observe(document.body);
    const timer = setTimeout(() => observer.disconnect(), SETTLE_MS);
    return () => {
      clearTimeout(timer);
      observer.disconnect();
    };
  }, [ready]);

  return { toEnd, atEnd };
}
