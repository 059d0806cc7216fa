/* global VERSION, SHELL, waiting */
/* The phone app's part that runs without a page: keeps what a page without network needs, takes in what other apps share,
   and sends what waits. The gateway writes VERSION, SHELL and the import of waiting.js above. */
const OFFLINE = "/app/offline";

self.addEventListener("install", (event) => event.waitUntil(keepShell()));
self.addEventListener("activate", (event) => event.waitUntil(begin()));
self.addEventListener("sync", (event) => {
  if (event.tag === waiting.SYNC) event.waitUntil(sendNow());
});
self.addEventListener("fetch", (event) => {
  const request = event.request, url = new URL(request.url);
  if (url.origin !== location.origin) return;
  // Other posts are left to the browser, which tells the gateway what page they come from.
  if (request.method === "POST" && url.pathname === "/app/share") event.respondWith(keepShared(request));
  else if (request.method !== "GET") return;
  else if (url.pathname.startsWith("/app/static/")) event.respondWith(kept(request));
  else if (request.mode === "navigate") event.respondWith(page(request));
});

async function keepShell() {
  const cache = await caches.open(VERSION);
  await cache.addAll([...SHELL, new Request(OFFLINE, { cache: "reload" })]);
  await self.skipWaiting();
}
async function begin() {
  const others = (await caches.keys()).filter((name) => name !== VERSION);
  await Promise.all(others.map((name) => caches.delete(name)));
  await self.clients.claim();
}
/* A file under its hash never changes. */
async function kept(request) {
  return (await caches.match(request)) ?? fetch(request);
}
async function page(request) {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match(OFFLINE)) ?? Response.error();
  }
}
/* Shared files wait for a tap: any web site can post a form here, and only a person can say that they meant it. */
async function keepShared(request) {
  try {
    const files = (await request.formData()).getAll("file").filter((one) => one instanceof File);
    const last = await waiting.lastPerson();
    for (const file of files) await waiting.add(file, { person: last?.id ?? null, who: last?.name ?? "", ask: true });
    return Response.redirect("/app/hand-in?shared=" + files.length, 303);
  } catch {
    return Response.redirect("/app/hand-in?shared=failed", 303);
  }
}
/* Rejects while there is no answer, so that the browser tries again. */
async function sendNow() {
  if ((await waiting.send()) === "away") throw new Error("receiptflow does not answer");
}
