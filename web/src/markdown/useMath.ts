import { useEffect, useState } from "react";

type Temml = typeof import("temml").default;

let temml: Temml | null = null;
let arriving: Promise<void> | null = null;

function load(): Promise<void> {
  arriving ??= import("./typeset").then((module) => {
    temml = module.default;
  });
  return arriving;
}

function typeset(html: string, engine: Temml): string {
  const holder = document.createElement("template");
  holder.innerHTML = html;
  for (const span of holder.content.querySelectorAll<HTMLElement>("span[data-tex]")) {
    // trust: false keeps links, pictures and styles out of formulas.
    span.innerHTML = engine.renderToString(span.dataset.tex ?? "", { displayMode: span.dataset.display === "1", throwOnError: false, trust: false, maxExpand: 500 });
    span.className = span.dataset.display === "1" ? "formula formula--display" : "formula";
  }
  return holder.innerHTML;
}

/** Formulas in sanitised HTML as MathML; the typesetter is loaded for the first one. */
export function useMath(html: string): string {
  const needed = html.includes("data-tex=");
  const [ready, setReady] = useState(temml !== null);
  useEffect(() => {
    if (needed && !ready) void load().then(() => setReady(true));
  }, [needed, ready]);
  return needed && temml ? typeset(html, temml) : html;
}
