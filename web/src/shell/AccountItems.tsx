import { useNavigate } from "@tanstack/react-router";
import { Bell, CalendarClock, Database, KeyRound, Link2, LogOut, Palette, ShieldCheck, UserRound } from "lucide-react";
import { applySession, usePerson, useSession } from "~/api/client";
import { forgetPerson } from "~/api/device";
import { api } from "~/api/http";
import { leave } from "~/api/threads";
import type { Session, Space } from "~/api/types";
import { t } from "~/i18n";
import { flush, unsentCount } from "~/thread/outbox";
import { forgetThreads } from "~/thread/state/store";
import { MenuChoice, MenuItem, MenuLabel, MenuLine } from "~/ui/MenuContent";
import { toast, toastError } from "~/ui/toast";
import { spaceName } from "./AccountMenu";
import { usePanel } from "./panels";

export default function AccountItems() {
  const session = useSession();
  const person = usePerson();
  const { openPanel } = usePanel();
  const navigate = useNavigate();

  async function signOut(drop = false) {
    try {
      await flush();
      const left = unsentCount();
      if (left > 0 && !drop) {
        toast(t("{n, plural, one {# message is} other {# messages are}} not sent yet. Signing out discards them.", { n: left }), t("Sign out"), () => void signOut(true));
        return;
      }
      await leave(() => api.post("/sign-out"));
      forgetPerson(person.id);
      // A fresh document: nothing of this person stays in memory.
      window.location.assign("/sign-in");
    } catch (error) {
      toastError(error);
    }
  }

  async function changeSpace(space: Space) {
    try {
      applySession(await api.put<Session>("/me/space", { space: space.id }));
      forgetThreads();
      await navigate({ to: "/" });
    } catch (error) {
      toastError(error);
    }
  }

  return (
    <>
      {session.spaces.length > 1 && (
        <>
          <MenuLabel>{t("Space")}</MenuLabel>
          {session.spaces.map((space) => (
            <MenuChoice key={space.id} checked={space.id === session.space?.id} onSelect={() => void changeSpace(space)}>
              {spaceName(space)}
            </MenuChoice>
          ))}
          <MenuLine />
        </>
      )}
      <MenuItem icon={UserRound} onSelect={() => openPanel("account")}>{t("Account")}</MenuItem>
      <MenuItem icon={Palette} onSelect={() => openPanel("look")}>{t("Language and look")}</MenuItem>
      <MenuItem icon={ShieldCheck} onSelect={() => openPanel("security")}>{t("Sign-in and security")}</MenuItem>
      <MenuItem icon={KeyRound} onSelect={() => openPanel("keys")}>{t("API keys")}</MenuItem>
      <MenuItem icon={Bell} onSelect={() => openPanel("notifications")}>{t("What I tell you")}</MenuItem>
      <MenuLine />
      <MenuItem icon={CalendarClock} onSelect={() => openPanel("schedules")}>{t("Schedules and tasks")}</MenuItem>
      <MenuItem icon={Link2} onSelect={() => openPanel("shares")}>{t("Shared pages")}</MenuItem>
      <MenuItem icon={Database} onSelect={() => openPanel("data")}>{t("My data")}</MenuItem>
      <MenuLine />
      <MenuItem icon={LogOut} onSelect={() => void signOut()}>{t("Sign out")}</MenuItem>
    </>
  );
}
