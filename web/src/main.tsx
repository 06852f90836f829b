import "@fontsource-variable/inter/wght.css";
import "@fontsource-variable/source-serif-4/opsz.css";
import "@fontsource-variable/source-serif-4/wght-italic.css";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/overlays.css";
import "./styles/shell.css";
import "./styles/thread.css";
import "./styles/forms.css";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode, useSyncExternalStore } from "react";
import { createRoot } from "react-dom/client";
import { queryClient, sessionQuery } from "./api/client";
import { firstLocale, getLocale, onLocale, setLocale } from "./i18n";
import { preload, router } from "./router";

/** Another language is another page: everything is drawn anew. */
function App() {
  const locale = useSyncExternalStore(onLocale, getLocale);
  return (
    <QueryClientProvider client={queryClient} key={locale}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}

preload(window.location.pathname);
void queryClient.prefetchQuery(sessionQuery);
await setLocale(firstLocale());
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
if ("serviceWorker" in navigator && import.meta.env.PROD) void navigator.serviceWorker.register("/sw.js");
