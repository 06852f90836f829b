// What the pages ask the outbox to send.
import type { Attachment, Effort } from "~/api/types";
import { put } from "./outbox";
import type { ThreadStore } from "./state/store";

export interface Outgoing {
  text: string;
  attachments: Attachment[];
  effort: Effort;
  model?: string | undefined;
  /** The message it follows, to make a branch (null: none); undefined for the newest of what is shown. */
  parent?: string | null | undefined;
}

export function newClientId(): string {
  return crypto.randomUUID();
}

function send(outgoing: Outgoing, thread: string | null, temporary: boolean): string {
  const clientId = newClientId();
  put({ clientId, at: new Date().toISOString(), error: null, ...outgoing, model: outgoing.model, parent: outgoing.parent, thread, temporary });
  return clientId;
}

/** Posts into a thread. */
export function sendMessage(store: ThreadStore, outgoing: Outgoing): void {
  send(outgoing, store.id, store.get().thread.temporary);
}

/** Posts the first message of a new page. Returns: its client id. */
export function sendFirst(outgoing: Outgoing, temporary: boolean): string {
  return send(outgoing, null, temporary);
}
