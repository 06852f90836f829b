import { useQuery } from "@tanstack/react-query";
import { Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useRef, useState } from "react";
import { onSignedOut } from "~/api/http";
import { queryClient, sessionQuery, useSession } from "~/api/client";
import { noticesQuery, useMyStream } from "~/api/threads";
import { t } from "~/i18n";
import { Toaster } from "~/ui/toast";
import { useKeys } from "./keys";
import { OfflineNote } from "./OfflineNote";
import { usePanel } from "./panels";
import { Rail } from "./Rail";

const Palette = lazy(() => import("./Palette"));
const sendUnsent = () => import("~/thread/outbox").then(({ flush }) => flush());
const Panels = lazy(() => import("~/settings/Panels"));

export function House() {
  const { person, space } = useSession();
  const navigate = useNavigate();
  const search = useRef<HTMLInputElement>(null);
  const [palette, setPalette] = useState(false);
  const { panel } = usePanel();
  const path = useLocation({ select: (location) => location.pathname });
  useMyStream(sendUnsent);
  useQuery(noticesQuery);
  useKeys({
    search: () => {
      const rail = document.getElementById("rail");
      if (rail && getComputedStyle(rail).display === "none") rail.showPopover();
      search.current?.focus();
      search.current?.select();
    },
    palette: () => setPalette(true),
    newPage: () => void navigate({ to: "/" }),
  });
  useEffect(
    () =>
      onSignedOut(() => {
        void queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
        void navigate({ to: "/sign-in", search: { next: window.location.pathname } });
      }),
    [navigate],
  );
  // What could not be sent before goes now.
  useEffect(() => void sendUnsent(), [person?.id, space?.id]);
  // A conversation finds its own place; every other page begins at its top.
  useEffect(() => {
    if (!path.startsWith("/t/")) window.scrollTo(0, 0);
  }, [path]);
  if (!person) return null;
  return (
    <>
      <a className="skip" href="#main">
        {t("Skip to the page")}
      </a>
      <div className="house">
        <Rail searchRef={search} />
        <main className="page" id="main" tabIndex={-1}>
          <OfflineNote />
          <Outlet />
        </main>
      </div>
      <Toaster />
      <Suspense>
        {panel && <Panels name={panel} />}
        {palette && <Palette onClose={() => setPalette(false)} />}
      </Suspense>
    </>
  );
}
