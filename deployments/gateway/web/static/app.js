"use strict";
/* What pages have beyond plain forms. Each part looks for its own `data-` attribute in what was loaded or swapped in. */
document.documentElement.classList.add("js");
const parts = [];
const rf = { part: (selector, start) => parts.push([selector, start]) };
window.rf = rf;

function startParts(root) {
  for (const [selector, start] of parts) {
    for (const found of [...(root.matches?.(selector) ? [root] : []), ...root.querySelectorAll(selector)]) start(found);
  }
}
document.addEventListener("DOMContentLoaded", () => startParts(document.body));
document.addEventListener("htmx:afterSettle", (event) => startParts(event.detail.elt));

/* A sign-in link's code stands behind the #, where no server and no log sees it. */
rf.part("[data-sign-in-code]", (form) => {
  const code = decodeURIComponent(location.hash.slice(1));
  if (code.length < 20) return;
  history.replaceState(null, "", location.pathname + location.search);
  form.querySelector("[name=code]").value = code;
  form.submit();
});

/* Forms that ask first, and selects that submit by themselves. */
document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !confirm(question)) { event.preventDefault(); event.stopPropagation(); }
}, true);
document.addEventListener("change", (event) => {
  if (event.target.matches?.("[data-submits]")) event.target.form.requestSubmit();
});

/* Handing in: each file goes by itself, with progress; what failed says why and is sent again on the spot. */
rf.part("[data-hand-in]", (form) => {
  const list = document.getElementById("sending"), text = form.dataset;
  const token = form.querySelector("[name=csrf]").value;
  let open = 0;
  addEventListener("beforeunload", (event) => { if (open) event.preventDefault(); });

  function row(file) {
    const item = document.createElement("li"), words = document.createElement("div"), name = document.createElement("strong");
    const more = document.createElement("small"), bar = document.createElement("progress"), badge = document.createElement("span");
    const picture = document.createElement(file.type.startsWith("image/") && !/hei[cf]/.test(file.type) ? "img" : "span");
    picture.className = "thumb"; words.className = "grow"; name.textContent = file.name; bar.max = 1;
    if (picture.tagName === "IMG") { picture.alt = ""; picture.src = URL.createObjectURL(file); }
    words.append(name, more, bar); item.append(picture, words, badge);
    list.prepend(item); list.classList.remove("hidden");
    return { item, more, bar, badge };
  }
  function state(shown, kind, word, detail = "") {
    shown.badge.className = "badge " + kind; shown.badge.textContent = word; shown.more.textContent = detail;
    shown.bar.classList.toggle("hidden", kind !== "sending");
  }
  function fail(shown, file, detail) {
    state(shown, "failed", text.textFailed, detail);
    const again = document.createElement("button");
    again.textContent = text.textAgain; again.type = "button";
    again.addEventListener("click", () => { shown.item.remove(); send(file); });
    shown.item.append(again);
  }
  function send(file) {
    const shown = row(file);
    if (file.size > Number(text.mostBytes)) return fail(shown, file, text.textLarge);
    state(shown, "sending", text.textSending);
    const body = new FormData(), request = new XMLHttpRequest();
    body.append("file", file);
    request.open("POST", form.action);
    request.setRequestHeader("X-CSRF-Token", token);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) shown.bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => {
      open -= 1;
      if (request.status >= 200 && request.status < 300 && request.response) {
        state(shown, "expensed", text.textSafe, request.response.known ? text.textKnown : "");
        setTimeout(() => { shown.item.remove(); list.classList.toggle("hidden", !list.children.length); }, 4000);
        refresh();
      } else fail(shown, file, request.response?.detail || text.textAway);
    });
    open += 1; request.send(body);
  }
  let asked = 0;
  function refresh() {
    clearTimeout(asked);
    asked = setTimeout(() => htmx.ajax("GET", form.action + "/latest", { target: "#latest", swap: "outerHTML", select: "#latest" }), 150);
  }
  const sendAll = (files) => { for (const file of files) send(file); };
  for (const input of form.querySelectorAll("[data-picks]")) {
    input.addEventListener("change", () => { sendAll([...input.files]); input.value = ""; });
  }
  for (const kind of ["dragover", "dragleave", "drop"]) {
    form.addEventListener(kind, (event) => {
      event.preventDefault();
      form.classList.toggle("over", kind === "dragover");
      if (kind === "drop") sendAll([...event.dataTransfer.files]);
    });
  }
  if (rf.paste) removeEventListener("paste", rf.paste);
  rf.paste = (event) => { if (form.isConnected && event.clipboardData.files.length) { event.preventDefault(); sendAll([...event.clipboardData.files]); } };
  addEventListener("paste", rf.paste);
});
