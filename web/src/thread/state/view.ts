// What is shown of a thread: one way through its tree, from the top to the newest.
import { type AnswerNode, isGoing, type Live, type Node, type Part, type Sending, type ThreadState, type UserNode } from "./model";

export interface Siblings {
  ids: string[];
  index: number;
}

export interface UserTurn {
  kind: "user";
  key: string;
  node: UserNode;
  siblings: Siblings;
}

export interface AnswerTurn {
  kind: "answer";
  key: string;
  /** The message it answers. */
  parent: string | null;
  node: AnswerNode | null;
  part: Part | null;
  live: Live | null;
  siblings: Siblings;
}

export interface SendingTurn {
  kind: "sending";
  key: string;
  sending: Sending;
}

export type Turn = UserTurn | AnswerTurn | SendingTurn;

function siblingsOf(state: ThreadState, node: Node): Siblings {
  const ids = (state.children[node.parent ?? ""] ?? []).filter((id) => state.nodes[id]?.kind === node.kind);
  return { ids, index: ids.indexOf(node.id) };
}

function answerTurn(state: ThreadState, node: AnswerNode): AnswerTurn {
  const part = Object.values(state.parts).find((one) => one.message === node.id) ?? null;
  return { kind: "answer", key: part?.key ?? node.id, parent: node.parent, node, part, live: null, siblings: siblingsOf(state, node) };
}

/** An answer that I cut short with another message before it said or did anything. */
function isBlank({ node, part }: AnswerTurn): boolean {
  return node?.finish === "joined" && node.text === "" && node.reasoning === "" && (part?.acts.length ?? 0) === 0;
}

function pendingTurn(state: ThreadState, part: Part): AnswerTurn {
  const answers = (state.children[part.parent ?? ""] ?? []).filter((id) => state.nodes[id]?.kind === "answer");
  const held = isGoing(part) ? state.live[part.run] : undefined;
  const live = held && (part.message === null || part.message === held.message) ? held : null;
  const siblings = { ids: [...answers, part.key], index: answers.length };
  return { kind: "answer", key: part.key, parent: part.parent, node: null, part, live, siblings };
}

/** The newest answer to this message that is not in the log, unless a newer one took its place. */
function pendingPart(state: ThreadState, at: string, shown: Node | undefined): Part | null {
  let found: Part | null = null;
  for (const part of Object.values(state.parts)) {
    if (!part.written && (part.parent ?? "") === at && (!found || part.seq > found.seq)) found = part;
  }
  return found && shown?.kind === "answer" && shown.seq > found.seq ? null : found;
}

/** Where messages hang that were sent while this answer was being written: they follow it, though it is not there yet. */
function placeOf(state: ThreadState, part: Part): string | null {
  const known = part.message ?? state.live[part.run]?.message;
  if (known) return known;
  const orphans = Object.keys(state.children).filter((id) => id !== "" && !state.nodes[id]);
  return orphans.find((id) => (state.nodes[state.children[id]?.[0] ?? ""]?.seq ?? 0) > part.seq) ?? null;
}

export function turnsOf(state: ThreadState): Turn[] {
  const turns: Turn[] = [];
  const branching = state.sending.find((mine) => mine.parent !== undefined);
  const branchAt = branching?.parent ?? "";
  const seen = new Set<string>();
  for (let at: string | null = ""; at !== null && !seen.has(at); ) {
    seen.add(at);
    if (branching && branchAt === at) break;
    const shown: Node | undefined = state.nodes[state.selected[at] ?? ""];
    const pending = pendingPart(state, at, shown);
    if (pending) {
      turns.push(pendingTurn(state, pending));
      if (shown === undefined || shown.kind === "answer") {
        at = placeOf(state, pending);
        continue;
      }
    }
    if (!shown) break;
    if (shown.kind === "answer") {
      const turn = answerTurn(state, shown);
      if (!isBlank(turn)) turns.push(turn);
    }
    if (shown.kind === "user") turns.push({ kind: "user", key: shown.id, node: shown, siblings: siblingsOf(state, shown) });
    at = shown.id;
  }
  for (const sending of state.sending) turns.push({ kind: "sending", key: sending.clientId, sending });
  return turns;
}
