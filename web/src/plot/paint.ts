// Colours of the tokens as a canvas takes them, in the theme that holds now.

/** The colour of a token, such as `--s1`, as `host` shows it. */
export function colour(host: HTMLElement, token: string): string {
  const probe = document.createElement("i");
  probe.style.color = `var(${token})`;
  probe.hidden = true;
  host.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

/** Stripes: demand that found no place is never told by colour alone. */
export function hatch(context: CanvasRenderingContext2D, ink: string): CanvasPattern | string {
  const size = Math.round(6 * devicePixelRatio);
  const tile = document.createElement("canvas");
  tile.width = size;
  tile.height = size;
  const pen = tile.getContext("2d");
  if (!pen) return ink;
  pen.strokeStyle = ink;
  pen.lineWidth = 1.4 * devicePixelRatio;
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift, size);
    pen.lineTo(shift + size, 0);
  }
  pen.stroke();
  return context.createPattern(tile, "repeat") ?? ink;
}

/** Calls `action` whenever another theme holds. */
export function onTheme(action: () => void): () => void {
  const device = matchMedia("(prefers-color-scheme: dark)");
  const watch = new MutationObserver(action);
  watch.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "data-house"] });
  device.addEventListener("change", action);
  return () => {
    watch.disconnect();
    device.removeEventListener("change", action);
  };
}
