// Sending: shown at once, then posted; the client's own id makes a repeated post harmless.
import { api } from "~/api/http";
import type { Attachment, Effort, Message, Posted } from "~/api/types";
import type { Sending } from "./state/model";
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

// Without `parent` a message follows the newest of the branch that is shown, also one that is just being written.
function body(sending: Sending): Message {
  return {
    client_id: sending.clientId,
    text: sending.text,
    attachments: sending.attachments.map((attachment) => attachment.id),
    ...(sending.parent === undefined ? {} : { parent: sending.parent }),
    effort: sending.effort,
    ...(sending.model ? { model: sending.model } : {}),
  };
}

function sendingOf(outgoing: Outgoing, clientId = newClientId()): Sending {
  return { clientId, at: new Date().toISOString(), error: null, ...outgoing, model: outgoing.model, parent: outgoing.parent };
}

async function post(store: ThreadStore, sending: Sending): Promise<void> {
  try {
    await api.post<Posted>(`/threads/${store.id}/messages`, body(sending));
  } catch (error) {
    store.dispatchNow({ type: "send-failed", clientId: sending.clientId, error });
  }
}

/** Posts into a thread. */
export function sendMessage(store: ThreadStore, outgoing: Outgoing): Promise<void> {
  const message = sendingOf(outgoing);
  store.dispatchNow({ type: "send", message });
  return post(store, message);
}

export function sendAgain(store: ThreadStore, sending: Sending): Promise<void> {
  store.dispatchNow({ type: "send-again", clientId: sending.clientId });
  return post(store, sending);
}

/** Posts the first message of a new page; gives the thread's id. */
export async function sendFirst(outgoing: Outgoing, temporary: boolean, clientId: string): Promise<string> {
  const first = { ...body(sendingOf(outgoing, clientId)), ...(temporary ? { temporary } : {}) };
  return (await api.post<Posted>("/messages", first)).thread;
}
