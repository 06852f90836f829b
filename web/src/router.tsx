import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, redirect } from "@tanstack/react-router";
import type { QueryClient } from "@tanstack/react-query";
import { mayOperate, queryClient, sessionQuery } from "./api/client";
import { setLocale } from "./i18n";
import { Failed, Loading, NotFound } from "./pages/Fallbacks";
import { House } from "./shell/House";
import { isPanel, type PanelName } from "./shell/panels";
import { setTimeZone } from "./ui/time";

const root = createRootRouteWithContext<{ queryClient: QueryClient }>()({ notFoundComponent: NotFound });

async function session(client: QueryClient) {
  const found = await client.ensureQueryData(sessionQuery);
  if (found.person) {
    setTimeZone(found.person.timezone);
    await setLocale(found.person.locale);
  }
  return found;
}

/** The search part of an address of the kind `?token=...&next=...`. */
function entry(search: Record<string, unknown>): { token?: string; next?: string } {
  return {
    ...(typeof search.token === "string" ? { token: search.token } : {}),
    // Only into this house: never to another host.
    ...(typeof search.next === "string" && /^\/(?![/\\])/.test(search.next) ? { next: search.next } : {}),
  };
}

const house = createRoute({
  getParentRoute: () => root,
  id: "house",
  component: House,
  validateSearch: (search: Record<string, unknown>): { panel?: PanelName } => (isPanel(search.panel) ? { panel: search.panel } : {}),
  beforeLoad: signedIn,
  errorComponent: Failed,
});

const loadThread = () => import("./thread/ThreadPage");
const loadNewPage = () => import("./newpage/NewPage");

/** Fetches the page that the address asks for while the session is still being asked; what is likely next afterwards. */
export function preload(path: string): void {
  if (path.startsWith("/t/")) void loadThread();
  else if (path === "/") void loadNewPage();
  setTimeout(() => void Promise.all([loadNewPage(), loadThread()]), 1_500);
}

const newPage = createRoute({ getParentRoute: () => house, path: "/", component: lazyRouteComponent(loadNewPage, "NewPage") });
const thread = createRoute({ getParentRoute: () => house, path: "/t/$thread", component: lazyRouteComponent(loadThread, "ThreadPage") });
const archive = createRoute({ getParentRoute: () => house, path: "/archive", component: lazyRouteComponent(() => import("./pages/Archive"), "Archive") });
const usage = createRoute({
  getParentRoute: () => house,
  path: "/usage",
  validateSearch: (search: Record<string, unknown>): { month?: string } => (/^\d{4}-\d{2}$/.test(String(search.month)) ? { month: String(search.month) } : {}),
  component: lazyRouteComponent(() => import("./usage/UsagePage"), "UsagePage"),
});

/** The search part `?name=...`, where it is there. */
function only<const Name extends string>(name: Name) {
  return (search: Record<string, unknown>) => (typeof search[name] === "string" ? { [name]: search[name] } : {}) as { [each in Name]?: string };
}

const admin = createRoute({
  getParentRoute: () => house,
  path: "/admin",
  component: lazyRouteComponent(() => import("./admin/Desk"), "Desk"),
  beforeLoad: ({ context }) => {
    if (!mayOperate(context.person)) throw redirect({ to: "/" });
  },
});
const models = createRoute({
  getParentRoute: () => admin,
  path: "/models",
  validateSearch: (search: Record<string, unknown>): { connect?: boolean } => (search.connect ? { connect: true } : {}),
  component: lazyRouteComponent(() => import("./admin/ModelsPage"), "ModelsPage"),
});
const people = createRoute({
  getParentRoute: () => admin,
  path: "/people",
  validateSearch: only("person"),
  component: lazyRouteComponent(() => import("./admin/PeoplePage"), "PeoplePage"),
});
const capacity = createRoute({ getParentRoute: () => admin, path: "/capacity", component: lazyRouteComponent(() => import("./admin/capacity/CapacityPage"), "CapacityPage") });
const budgets = createRoute({
  getParentRoute: () => admin,
  path: "/budgets",
  validateSearch: only("subject"),
  component: lazyRouteComponent(() => import("./admin/budgets/BudgetsPage"), "BudgetsPage"),
});
const audit = createRoute({ getParentRoute: () => admin, path: "/audit", component: lazyRouteComponent(() => import("./admin/AuditPage"), "AuditPage") });

/** Sends whoever is not signed in to the door, and back here afterwards. */
async function signedIn({ context, location }: { context: { queryClient: QueryClient }; location: { href: string } }) {
  const { person, second_factor_needed } = await session(context.queryClient);
  if (!person) {
    const next = location.href === "/" ? {} : { next: location.href };
    throw redirect({ to: "/sign-in", search: second_factor_needed ? {} : next });
  }
  return { person };
}

/** A page for whoever is not signed in. */
function door<const Path extends string>(path: Path, component: ReturnType<typeof lazyRouteComponent>) {
  return createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: entry,
    beforeLoad: async ({ context }) => void (await session(context.queryClient)),
    component,
    errorComponent: Failed,
  });
}

const signUp = lazyRouteComponent(() => import("./doors/SignUp"), "SignUp");
const doors = [
  door("/sign-in", lazyRouteComponent(() => import("./doors/SignIn"), "SignIn")),
  door("/setup/{-$token}", lazyRouteComponent(() => import("./doors/Setup"), "Setup")),
  door("/sign-up/{-$token}", signUp),
  door("/invitation/{-$token}", signUp),
  door("/reset/{-$token}", lazyRouteComponent(() => import("./doors/Reset"), "Reset")),
  door("/s/$token", lazyRouteComponent(() => import("./pages/SharedPage"), "SharedPage")),
] as const;

const verification = createRoute({
  getParentRoute: () => root,
  path: "/verification/{-$token}",
  validateSearch: entry,
  beforeLoad: signedIn,
  component: lazyRouteComponent(() => import("./doors/Verification"), "Verification"),
  errorComponent: Failed,
});

const tree = root.addChildren([house.addChildren([newPage, thread, archive, usage, admin.addChildren([capacity, budgets, models, people, audit])]), verification, ...doors]);

export const router = createRouter({
  routeTree: tree,
  context: { queryClient },
  defaultPreload: "intent",
  defaultPendingComponent: Loading,
  defaultErrorComponent: Failed,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
