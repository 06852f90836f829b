// What is kept on this device for a person. Several people may use it: each finds their own, and signing out takes it away.
import { queryClient, sessionQuery } from "./client";

const KINDS = ["mecum.draft.", "mecum.outbox."];

/** Before the keys of what belongs to whoever is signed in, in the space that is open. */
export function mine(kind: "draft" | "outbox"): string {
  const session = queryClient.getQueryData(sessionQuery.queryKey);
  return `mecum.${kind}.${session?.person?.id ?? ""}.${session?.space?.id ?? ""}.`;
}

export function keysIn(storage: Storage, prefix: string): string[] {
  return Object.keys(storage).filter((name) => name.startsWith(prefix));
}

let leaving = false;

/** Keeps something here. Throws when the device has no room for it. */
export function keep(storage: Storage, key: string, value: unknown): void {
  if (!leaving) storage.setItem(key, JSON.stringify(value));
}

/** Takes away what is kept for this person, in all of their spaces. This page keeps nothing any more: another one follows. */
export function forgetPerson(person: string): void {
  leaving = true;
  for (const storage of [localStorage, sessionStorage]) {
    for (const kind of KINDS) for (const name of keysIn(storage, `${kind}${person}.`)) storage.removeItem(name);
  }
}
