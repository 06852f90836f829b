import { createContext, use } from "react";
import type { ThreadStore } from "./state/store";

interface ThreadContextValue {
  store: ThreadStore;
  /** The message of mine that is being edited. */
  editing: string | null;
  setEditing: (message: string | null) => void;
}

export const ThreadContext = createContext<ThreadContextValue | null>(null);

export function useOpenThread(): ThreadContextValue {
  const value = use(ThreadContext);
  if (!value) throw new Error("outside of a thread");
  return value;
}
