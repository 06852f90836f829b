import { type RefObject, useLayoutEffect } from "react";

const NATIVE = CSS.supports("field-sizing", "content");

/** Lets a text area grow with its text where the browser does not do that by itself. */
export function useGrow(area: RefObject<HTMLTextAreaElement | null>, text: string): void {
  // `text` is what changes the height.
  useLayoutEffect(() => {
    const element = area.current;
    if (NATIVE || !element) return;
    element.style.height = "auto";
    if (text) element.style.height = `${element.scrollHeight}px`;
  }, [area, text]);
}
