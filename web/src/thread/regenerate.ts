import { api } from "~/api/http";
import type { Effort, Posted } from "~/api/types";
import { toastError } from "~/ui/toast";
import { newClientId, sendMessage } from "./send";
import type { ThreadStore } from "./state/store";
import type { AnswerTurn } from "./state/view";

/** Asks for another answer beside this one. Where none was written, the question is sent once more. */
export async function regenerate(store: ThreadStore, turn: AnswerTurn, effort?: Effort): Promise<void> {
  if (turn.node) {
    try {
      await api.post<Posted>(`/threads/${store.id}/messages/${turn.node.id}/regenerate`, { client_id: newClientId(), ...(effort ? { effort } : {}) });
    } catch (error) {
      toastError(error);
    }
    return;
  }
  const asked = turn.parent ? store.get().thread.nodes[turn.parent] : undefined;
  if (asked?.kind !== "user") return;
  const { text, attachments, parent, model } = asked;
  sendMessage(store, { text, attachments, effort: effort ?? asked.effort, model: model ?? undefined, parent });
}
