// Server-sent events, https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
export interface SseFrame {
  event: string;
  data: string;
  /** The last id seen so far, "" before the first one. */
  id: string;
}

/** Feeds text of any cut into `onFrame`, one call per complete frame. */
export function createSseParser(onFrame: (frame: SseFrame) => void): (text: string) => void {
  let rest = "";
  let started = false;
  let event = "";
  let data: string[] = [];
  let id = "";

  function line(text: string): void {
    if (text === "") {
      if (data.length > 0) onFrame({ event: event || "message", data: data.join("\n"), id });
      event = "";
      data = [];
      return;
    }
    const colon = text.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? text : text.slice(0, colon);
    let value = colon < 0 ? "" : text.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1);
    if (name === "data") data.push(value);
    else if (name === "event") event = value;
    else if (name === "id" && !value.includes("\0")) id = value;
  }

  return (chunk) => {
    let text = rest + chunk;
    if (!started && text.length > 0) {
      started = true;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    let from = 0;
    for (;;) {
      const end = nextEnd(text, from);
      if (end === null) break;
      line(text.slice(from, end.at));
      from = end.next;
    }
    rest = text.slice(from);
  };
}

/** The next line end at or after `from`; a CR at the very end may be half of a CRLF, so it waits. */
function nextEnd(text: string, from: number): { at: number; next: number } | null {
  for (let at = from; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 10) return { at, next: at + 1 };
    if (char === 13) {
      if (at + 1 === text.length) return null;
      return { at, next: text.charCodeAt(at + 1) === 10 ? at + 2 : at + 1 };
    }
  }
  return null;
}
