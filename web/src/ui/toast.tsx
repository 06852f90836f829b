// One short message at the foot of the page, with at most one verb.
import { useSyncExternalStore } from "react";
import { wordsOf } from "~/api/words";

interface Toast {
  id: number;
  text: string;
  verb?: string;
  action?: () => void;
}

const SHOWN_MS = 7_000;
let current: Toast | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let count = 0;
const listeners = new Set<() => void>();

function set(next: Toast | null) {
  current = next;
  clearTimeout(timer);
  if (next) timer = setTimeout(() => set(null), SHOWN_MS);
  for (const listener of listeners) listener();
}

export function toast(text: string, verb?: string, action?: () => void): void {
  count += 1;
  set({ id: count, text, ...(verb && action ? { verb, action } : {}) });
}

/** For what failed beside the page, where there is no place of its own for it. */
export function toastError(error: unknown): void {
  const { what, hint } = wordsOf(error);
  toast(hint ? `${what} ${hint}` : what);
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function Toaster() {
  const shown = useSyncExternalStore(subscribe, () => current);
  return (
    <div role="status" aria-live="polite">
      {shown && (
        <div className="toast" key={shown.id} onPointerEnter={() => clearTimeout(timer)}>
          <span className="grow">{shown.text}</span>
          {shown.verb && (
            <button
              type="button"
              onClick={() => {
                shown.action?.();
                set(null);
              }}
            >
              {shown.verb}
            </button>
          )}
        </div>
      )}
    </div>
  );
}
