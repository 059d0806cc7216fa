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

/* Further pages have pictures only where they were read since these are kept. */
rf.part("[data-further] img", (image) => {
  const remove = () => image.closest("[data-further]")?.remove();
  if (image.complete && image.src && !image.naturalWidth && image.loading !== "lazy") remove();
  image.addEventListener("error", remove);
});

/* Of tabs that do not fit, the one that is open is in sight. */
rf.part(".tabs [aria-current]", (tab) => { tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2; });

/* The phone app's part that runs without a page; browsers have it where the address is trusted. */
navigator.serviceWorker?.register("/app/service-worker.js", { scope: "/app/" }).catch(() => {});
