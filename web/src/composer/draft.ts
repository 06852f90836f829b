// What is being written, kept per thread on this device until it is sent.
import type { Attachment, Effort } from "~/api/types";

export interface Draft {
  text: string;
  attachments: Attachment[];
}

const EMPTY: Draft = { text: "", attachments: [] };
const MOST_DRAFTS = 50;
const PREFIX = "mecum.draft.";

export function readDraft(key: string): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(localStorage.getItem(PREFIX + key) ?? "{}") as Partial<Draft>) };
  } catch {
    // A draft that can't be read any more is worth less than a page that works.
    localStorage.removeItem(PREFIX + key);
    return EMPTY;
  }
}

export function writeDraft(key: string, draft: Draft): void {
  if (draft.text === "" && draft.attachments.length === 0) {
    localStorage.removeItem(PREFIX + key);
    return;
  }
  const keys = Object.keys(localStorage).filter((name) => name.startsWith(PREFIX) && name !== PREFIX + key);
  for (const old of keys.slice(0, Math.max(0, keys.length - MOST_DRAFTS))) localStorage.removeItem(old);
  localStorage.setItem(PREFIX + key, JSON.stringify(draft));
}

export function readEffort(): Effort {
  const held = localStorage.getItem("mecum.effort");
  return held === "fast" || held === "think" ? held : "auto";
}

export function writeEffort(effort: Effort): void {
  localStorage.setItem("mecum.effort", effort);
}
