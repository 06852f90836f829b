// What is being written, kept per person, space and thread on this device until it is sent.
import { keep, keysIn, mine } from "~/api/device";
import type { Attachment } from "~/api/types";

export interface Draft {
  text: string;
  attachments: Attachment[];
}

export const EMPTY_DRAFT: Draft = { text: "", attachments: [] };
const MOST_DRAFTS = 50;

export function readDraft(key: string): Draft {
  const name = mine("draft") + key;
  try {
    return { ...EMPTY_DRAFT, ...(JSON.parse(localStorage.getItem(name) ?? "{}") as Partial<Draft>) };
  } catch {
    // A draft that can't be read any more is worth less than a page that works.
    localStorage.removeItem(name);
    return EMPTY_DRAFT;
  }
}

export function writeDraft(key: string, draft: Draft): void {
  const name = mine("draft") + key;
  if (draft.text === "" && draft.attachments.length === 0) {
    localStorage.removeItem(name);
    return;
  }
  const others = keysIn(localStorage, mine("draft")).filter((other) => other !== name);
  for (const old of others.slice(0, Math.max(0, others.length - MOST_DRAFTS))) localStorage.removeItem(old);
  keep(localStorage, name, draft);
}
