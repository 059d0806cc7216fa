"use strict";
/* Files that wait on this device until receiptflow has them, for pages and for the service worker.

   A file is kept in IndexedDB before it is sent, under an id that is its idempotency key, and taken out when the server
   says that it is safe: a reload, a closed page or a lost answer neither loses nor doubles it. `ask` holds back what a
   person has not said to send (shared by another app); `person` is who chose it, so that nobody sends another's. */
const waiting = (() => {
  const STORE = "files", ABOUT = "about", PATH = "/app/hand-in", SYNC = "receiptflow-waiting";
  const channel = new BroadcastChannel(SYNC);
  let opened = null;

  function open() {
    opened ??= new Promise((resolve, reject) => {
      const request = indexedDB.open("receiptflow", 1);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(STORE, { keyPath: "id" });
        request.result.createObjectStore(ABOUT, { keyPath: "key" });
      };
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => { opened = null; reject(request.error); };
    });
    return opened;
  }
  /* What `work` makes of a store; resolved when it is written for good. */
  async function within(store, mode, work) {
    const transaction = (await open()).transaction(store, mode);
    const request = work(transaction.objectStore(store));
    return new Promise((resolve, reject) => {
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error ?? request?.error);
    });
  }
  const tell = (message) => channel.postMessage(message);

  async function all() {
    const found = await within(STORE, "readonly", (store) => store.getAll());
    return found.sort((one, other) => one.at - other.at || (one.id < other.id ? -1 : 1));
  }
  /* Keep a file; rejects where the device has no room or the browser no store. */
  async function add(file, { person = null, who = "", ask = false } = {}) {
    const id = crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const one = { id, at: Date.now(), name: file.name || "receipt", type: file.type, size: file.size, file, person, who, ask, refused: null };
    await within(STORE, "readwrite", (store) => store.put(one));
    tell({ kind: "changed" });
    return one;
  }
  async function change(id, values) {
    const one = await within(STORE, "readonly", (store) => store.get(id));
    if (!one) return null;
    await within(STORE, "readwrite", (store) => store.put({ ...one, ...values }));
    tell({ kind: "changed" });
    return { ...one, ...values };
  }
  async function remove(id) {
    await within(STORE, "readwrite", (store) => store.delete(id));
    tell({ kind: "changed" });
  }
  const lastPerson = () => within(ABOUT, "readonly", (store) => store.get("person"));
  const setPerson = (id, name) => within(ABOUT, "readwrite", (store) => store.put({ key: "person", id, name }));

  /* Who is signed in and the token of their forms; null if nobody is. Rejects where there is no answer. */
  async function session() {
    const answer = await fetch(PATH + "/session", { headers: { Accept: "application/json" }, cache: "no-store" });
    if (answer.status === 401) return null;
    if (!answer.ok) throw new Error("no session: " + answer.status);
    return answer.json();
  }
  /* One file by fetch; pages have a way that shows progress. Resolves to { status, body }; status 0 is no answer. */
  async function post(one, token) {
    const body = new FormData();
    body.append("file", one.file, one.name);
    try {
      const headers = { Accept: "application/json", "X-CSRF-Token": token, "Idempotency-Key": one.id };
      const answer = await fetch(PATH, { method: "POST", body, headers });
      return { status: answer.status, body: await answer.json().catch(() => null) };
    } catch { return { status: 0, body: null }; }
  }
  const mayPass = (status) => status === 0 || status === 408 || status === 429 || status >= 500;
  const isReady = (one, person) => !one.ask && !one.refused && (!one.person || one.person === person);

  /* Send what is ready, one after the other, by one page or worker at a time.
     Resolves to "sent", "signed-out" (nobody is signed in) or "away" (no answer, or one that will pass). */
  const send = (way = post) => navigator.locks.request(SYNC, async () => {
    if (!(await all()).some((one) => !one.ask && !one.refused)) return "sent";
    const now = await session().catch(() => undefined);
    if (now === undefined) return "away";
    if (now === null) return "signed-out";
    for (const one of (await all()).filter((found) => isReady(found, now.person))) {
      tell({ kind: "sending", id: one.id });
      const { status, body } = await way(one, now.token);
      if (status >= 200 && status < 300 && body) {
        await remove(one.id);
        tell({ kind: "safe", id: one.id, name: one.name, known: body.known === body.receipts.length });
      } else if (status === 401) return "signed-out";
      else if (mayPass(status) || !body) return "away";
      else await change(one.id, { refused: body.detail || String(status) });
    }
    return "sent";
  });
  /* Have the browser send later, also when no page is open, where it can. */
  async function sendLater() {
    const registration = await navigator.serviceWorker?.ready;
    await registration?.sync?.register(SYNC);
  }
  return { SYNC, all, add, change, remove, lastPerson, setPerson, session, send, sendLater, channel, tell };
})();
