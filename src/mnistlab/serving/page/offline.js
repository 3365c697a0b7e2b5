// Caches the page's files, so that it opens offline after the first visit. `mnistlab site` inserts the list of files.

const NAME = "mnistlab-VERSION";
const FILES = "FILES";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(NAME)
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "no-cache" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  const isOld = (name) => name.startsWith("mnistlab-") && name !== NAME;
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

/** The cached file; a file that is not cached, or can no longer be read, is fetched. */
self.addEventListener("fetch", (event) => {
  if (event.request.method !== "GET" || new URL(event.request.url).origin !== self.location.origin) return;
  const kept = caches
    .open(NAME)
    .then((cache) => cache.match(event.request, { ignoreSearch: true }))
    .catch(() => undefined);
  event.respondWith(kept.then((response) => response ?? fetch(event.request)));
});
