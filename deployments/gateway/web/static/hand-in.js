"use strict";
/* Handing in: what is chosen is kept on the device first (waiting.js) and sent by itself; each file shows how it stands. */
const LONGEST_PAUSE = 60_000;

rf.part("[data-hand-in]", (form) => {
  const list = document.getElementById("sending"), note = document.getElementById("sending-note"), text = form.dataset;
  const person = text.person || null, rows = new Map(), unkept = new Map();
  let pause = 2000, timer = 0, way = "";

  if (person) waiting.setPerson(person, text.personName).catch(() => {});

  function preview(one) {
    const shows = one.type.startsWith("image/") && !/hei[cf]|tiff|jp2/.test(one.type);
    const picture = document.createElement(shows ? "img" : "span");
    picture.className = "thumb";
    if (shows) { picture.alt = ""; picture.src = URL.createObjectURL(one.file); }
    else picture.textContent = one.name.includes(".") ? one.name.split(".").pop().slice(0, 4).toUpperCase() : "";
    return picture;
  }
  function button(word, act, primary = false) {
    const made = document.createElement("button");
    made.type = "button"; made.textContent = word; made.addEventListener("click", act);
    if (primary) made.className = "primary";
    return made;
  }
  function row(one) {
    const item = document.createElement("li"), words = document.createElement("div"), name = document.createElement("strong");
    const more = document.createElement("small"), bar = document.createElement("progress"), badge = document.createElement("span");
    const buttons = document.createElement("div");
    words.className = "grow"; buttons.className = "row"; name.textContent = one.name; bar.max = 1; more.setAttribute("dir", "auto");
    words.append(name, more, bar); item.append(preview(one), words, badge, buttons); list.append(item);
    return { item, more, bar, badge, buttons };
  }
  function state(shown, kind, word, detail = "", buttons = []) {
    shown.badge.className = "badge " + kind; shown.badge.textContent = word; shown.more.textContent = detail;
    shown.bar.classList.toggle("hidden", kind !== "sending");
    shown.buttons.replaceChildren(...buttons);
  }
  const again = (one) => button(text.textAgain, () => (unkept.has(one.id) ? sendUnkept(one) : waiting.change(one.id, { refused: null }).then(sendAll)));
  const discard = (one) => button(text.textDiscard, () => (unkept.delete(one.id) ? draw() : waiting.remove(one.id).then(draw)));
  const mine = (one) => button(text.textHandIn, () => waiting.change(one.id, { ask: false, person, who: text.personName ?? "" }).then(sendAll), true);

  function show(one) {
    const shown = rows.get(one.id) ?? row(one);
    rows.set(one.id, shown);
    if (one.refused) return state(shown, "failed", text.textFailed, one.refused, [again(one), discard(one)]);
    if (one.ask && person) return state(shown, "review", text.textAsk, text.textShared, [mine(one), discard(one)]);
    if (one.person && person && one.person !== person) return state(shown, "review", text.textAsk, text.textOther.replace("{who}", one.who), [mine(one), discard(one)]);
    if (shown.badge.classList.contains("sending") && way === "") return;
    state(shown, "waiting", text.textWaits, way === "signed-out" ? text.textSignedOut : way === "away" ? text.textAway : "", [discard(one)]);
  }
  async function draw() {
    const found = [...unkept.values(), ...(await waiting.all().catch(() => []))], ids = new Set(found.map((one) => one.id));
    for (const [id, shown] of rows) {
      if (!ids.has(id) && !shown.badge.classList.contains("expensed")) { shown.item.remove(); rows.delete(id); }
    }
    found.forEach(show);
    list.classList.toggle("hidden", !list.children.length);
    note.classList.toggle("hidden", way !== "signed-out" || !found.length);
  }
  function safe(id, known) {
    const shown = rows.get(id);
    if (shown) {
      state(shown, "expensed", text.textSafe, known ? text.textKnown : "");
      setTimeout(() => { shown.item.remove(); rows.delete(id); list.classList.toggle("hidden", !list.children.length); }, 4000);
    }
    refresh();
  }
  waiting.channel.addEventListener("message", (event) => heard(event.data));
  function heard({ kind, id, known }) {
    if (kind === "sending" && rows.has(id)) { way = ""; state(rows.get(id), "sending", text.textSending); }
    else if (kind === "safe") safe(id, known);
    else if (kind === "changed") draw();
  }
  /* As waiting.js posts, with progress. */
  function post(one, token) {
    heard({ kind: "sending", id: one.id });
    return new Promise((resolve) => {
      const body = new FormData(), request = new XMLHttpRequest(), shown = rows.get(one.id);
      body.append("file", one.file, one.name);
      request.open("POST", "/app/hand-in");
      for (const [name, value] of [["X-CSRF-Token", token], ["Accept", "application/json"], ["Idempotency-Key", one.id]]) request.setRequestHeader(name, value);
      request.responseType = "json";
      request.upload.addEventListener("progress", (event) => { if (shown && event.lengthComputable) shown.bar.value = event.loaded / event.total; });
      request.addEventListener("loadend", () => {
        if (request.status >= 200 && request.status < 300 && request.response) safe(one.id, request.response.known === request.response.receipts.length);
        resolve({ status: request.status, body: request.response });
      });
      request.send(body);
    });
  }
  async function sendAll() {
    clearTimeout(timer);
    const ended = await waiting.send(post);
    way = ended === "sent" ? "" : ended;
    if (ended === "away") {
      timer = setTimeout(sendAll, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      waiting.sendLater().catch(() => {});  // not every browser can
      navigator.storage?.persist?.().catch(() => {});  // so that a full device throws other things away first
    } else pause = 2000;
    await draw();
    if (text.offline !== undefined) lookForConnection();
  }
  /* Where the device keeps nothing (no room, a private window), a file is sent from memory and says so. */
  async function sendUnkept(one) {
    unkept.set(one.id, { ...one, refused: null });
    await draw();
    const now = await waiting.session().catch(() => undefined);
    const { status, body } = now ? await post(one, now.token) : { status: 0, body: null };
    if (status >= 200 && status < 300 && body) unkept.delete(one.id);
    else unkept.set(one.id, { ...one, refused: (body?.detail || (now === null ? text.textSignedOut : text.textAway)) + " " + text.textUnkept });
    await draw();
  }
  async function take(files) {
    // Without a page of somebody's, it is the one's who was here last: whoever signs in next is asked.
    const last = person ? null : await waiting.lastPerson().catch(() => null);
    const known = { person: person ?? last?.id ?? null, who: text.personName ?? last?.name ?? "" };
    for (const file of files) {
      try {
        const one = await waiting.add(file, known);
        if (file.size > Number(text.mostBytes)) await waiting.change(one.id, { refused: text.textLarge });
      } catch {
        sendUnkept({ id: String(Math.random()), name: file.name, type: file.type, size: file.size, file, ...known });
      }
    }
    await draw();
    await sendAll();
  }
  addEventListener("beforeunload", (event) => { if (unkept.size) event.preventDefault(); });
  addEventListener("online", sendAll);

  /* The page without network goes on to the real one once there is an answer. */
  async function lookForConnection() {
    clearTimeout(timer);
    if ((await waiting.session().catch(() => undefined)) === undefined) { timer = setTimeout(sendAll, pause); return; }
    if (location.pathname === "/app/offline") location.replace("/app/hand-in"); else location.reload();
  }
  let asked = 0;
  function refresh() {
    if (!document.getElementById("latest")) return;
    clearTimeout(asked);
    asked = setTimeout(() => htmx.ajax("GET", "/app/hand-in/latest", { target: "#latest", swap: "outerHTML", select: "#latest" }), 150);
  }
  for (const input of form.querySelectorAll("[data-picks]")) {
    input.addEventListener("change", () => { const files = [...input.files]; input.value = ""; take(files); });
  }
  for (const kind of ["dragover", "dragleave", "drop"]) {
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take([...event.dataTransfer.files]);
    });
  }
  addEventListener("paste", (event) => { if (form.isConnected && event.clipboardData.files.length) { event.preventDefault(); take([...event.clipboardData.files]); } });
  draw().then(sendAll);
});
