import { useEffect, useMemo, useSyncExternalStore } from "react";
import { type Snapshot, type ThreadStore, threadStore } from "./state/store";
import { type Turn, turnsOf } from "./state/view";

export interface OpenThread extends Snapshot {
  store: ThreadStore;
  turns: Turn[];
}

/** Opens a thread: its log, then its stream, for as long as the component is there. */
export function useThread(id: string): OpenThread {
  const store = useMemo(() => threadStore(id), [id]);
  useEffect(() => store.open(), [store]);
  const snapshot = useSyncExternalStore(store.subscribe, store.get);
  const turns = useMemo(() => turnsOf(snapshot.thread), [snapshot.thread]);
  return { ...snapshot, store, turns };
}
