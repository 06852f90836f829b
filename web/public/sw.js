// Keeps the shell of the client for when there is no network: the page and its assets. Never anything of /api or /v1.
const SHELL = "mecum-shell-1";
const MOST_ASSETS = 200;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(SHELL)
      .then((cache) => cache.add("/"))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== SHELL).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

/** The newest where there is a network, what is kept where there is none. */
async function fresh(request, key) {
  try {
    const answer = await fetch(request);
    if (answer.ok) {
      const cache = await caches.open(SHELL);
      await cache.put(key, answer.clone());
    }
    return answer;
  } catch (error) {
    const kept = await caches.match(key);
    if (kept) return kept;
    throw error;
  }
}

async function asset(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok) {
    const cache = await caches.open(SHELL);
    await cache.put(request, fresh.clone());
    const keys = (await cache.keys()).filter((key) => new URL(key.url).pathname !== "/");
    for (const old of keys.slice(0, Math.max(0, keys.length - MOST_ASSETS))) await cache.delete(old);
  }
  return fresh;
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  // The names of assets hold the hash of their content: what is kept is never stale.
  if (url.pathname.startsWith("/assets/")) event.respondWith(asset(request));
  else if (url.pathname.startsWith("/icons/") || url.pathname === "/boot.js") event.respondWith(fresh(request, request));
  else if (request.mode === "navigate" && !/^\/(api|v1|healthz|readyz|metrics)(\/|$)/.test(url.pathname)) event.respondWith(fresh(request, "/"));
});
