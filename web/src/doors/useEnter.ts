import { useNavigate, useSearch } from "@tanstack/react-router";
import { applySession } from "~/api/client";
import { setLocale } from "~/i18n";
import type { Session } from "~/api/types";

/** Goes in with a session: to where one wanted to go, else to a new page. */
export function useEnter(): (session: Session) => Promise<void> {
  const navigate = useNavigate();
  const { next } = useSearch({ strict: false }) as { next?: string };
  return async (session) => {
    applySession(session);
    if (session.person) await setLocale(session.person.locale);
    await navigate({ href: next ?? "/", replace: true });
  };
}
