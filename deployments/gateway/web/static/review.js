"use strict";
/* Review by keys: one field is marked, digits take its candidates, Enter books; the picture goes to the marked field. */
rf.part("[data-review]", (page) => {
  if (page.dataset.started) return;
  page.dataset.started = "1";
  const paper = page.querySelector("[data-paper]"), inner = paper?.querySelector(".paper-inner");
  const picture = inner?.querySelector("img"), boxes = inner?.querySelector("svg.boxes");
  const fields = [...page.querySelectorAll("#review-form .fields:first-of-type > [data-field]")];
  let now = fields.find((field) => field.classList.contains("doubtful")) || fields[0], zoomed = false;

  const inputOf = (field) => field?.querySelector("input, textarea");
  const boxOf = (field) => boxes?.querySelector(`[data-box="${field.dataset.field}"]`);

  function mark(field, focus = true) {
    if (!field) return;
    now = field;
    fields.forEach((one) => one.classList.toggle("marked", one === field));
    boxes?.querySelectorAll(".now").forEach((box) => box.classList.remove("now"));
    boxOf(field)?.classList.add("now");
    if (focus) { field.focus({ preventScroll: true }); field.scrollIntoView({ block: "nearest" }); }
    look(true);
  }
  /* Up to twice as large, as far as the field's box still fits, with it in the middle; as wide as the frame without one. */
  function look(close) {
    const box = close && now && boxOf(now);
    zoomed = Boolean(box);
    if (!inner) return;
    inner.style.width = "100%";
    if (!box) return;
    const fits = (0.92 * paper.clientWidth) / Math.max(box.getBoundingClientRect().width, 1);
    inner.style.width = Math.round(100 * Math.min(2, Math.max(1, fits))) + "%";
    const at = box.getBoundingClientRect(), frame = paper.getBoundingClientRect();
    paper.scrollTo(paper.scrollLeft + at.left + at.width / 2 - frame.left - frame.width / 2,
      paper.scrollTop + at.top + at.height / 2 - frame.top - frame.height / 2);
  }
  function fill(value, field = now) {
    const input = inputOf(field);
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function take(number) {
    const chosen = now?.querySelectorAll("[data-candidate]")[number - 1];
    if (!chosen) return;
    fill(chosen.dataset.candidate);
    const following = fields.slice(fields.indexOf(now) + 1).find((one) => one.classList.contains("doubtful"));
    mark(following || now);
  }
  const press = (selector) => page.querySelector(selector)?.click();
  const actions = {
    e: () => { inputOf(now)?.focus(); inputOf(now)?.select(); },
    j: () => mark(fields[(fields.indexOf(now) + 1) % fields.length]),
    k: () => mark(fields[(fields.indexOf(now) + fields.length - 1) % fields.length]),
    z: () => look(!zoomed),
    n: () => press('[data-key="n"]'), m: () => press('[data-key="m"]'), d: () => press('[data-key="d"]'),
    s: () => press('[data-key="s"]'), u: () => press("[data-undo] button"),
    "?": () => page.querySelector("#keys").showModal(), Enter: () => press("[data-book]"),
  };
  function onKey(event) {
    if (!page.isConnected) { removeEventListener("keydown", onKey); return; }
    const typing = event.target.matches("input, textarea, select"), digit = Number(event.code.replace("Digit", ""));
    if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey) return;
    if (digit >= 1 && (event.altKey || !typing)) { event.preventDefault(); take(digit); return; }
    if (event.key === "Escape" && typing) { mark(event.target.closest("[data-field]") || now); return; }
    if (typing || event.altKey || (event.key === "Enter" && event.target.matches("button, a, summary"))) return;
    const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action) { event.preventDefault(); action(); }
  }
  addEventListener("keydown", onKey);
  page.querySelector("[data-help]")?.addEventListener("click", actions["?"]);
  page.addEventListener("focusin", (event) => {
    const field = event.target.closest("[data-field]");
    if (field && field !== now && fields.includes(field)) mark(field, false);
  });
  for (const button of page.querySelectorAll("[data-candidate]")) {
    button.addEventListener("click", () => { mark(button.closest("[data-field]"), false); fill(button.dataset.candidate); });
  }

  /* The words that were read lie over the picture: a click fills the marked field, with Shift it adds to it. */
  async function lay() {
    const answer = await fetch(page.dataset.words);
    if (!answer.ok || !boxes) return;
    for (const [text, left, top, right, bottom] of await answer.json()) {
      const word = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      word.setAttribute("class", "word");
      for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) word.setAttribute(name, value);
      word.addEventListener("click", (event) => {
        const input = inputOf(now), before = event.shiftKey && input.value ? input.value + " " : "";
        fill(before + text);
      });
      boxes.append(word);
    }
  }
  lay();
  mark(now);
  picture?.addEventListener("load", () => { if (zoomed) look(true); });

  /* Sharper where the original is a picture of the same form; the next one's picture comes ahead. */
  const original = picture?.dataset.original;
  if (original) {
    const sharp = new Image();
    sharp.addEventListener("load", () => {
      const [wide, high] = boxes ? [boxes.viewBox.baseVal.width, boxes.viewBox.baseVal.height] : [1, 0];
      if (Math.abs(sharp.naturalWidth / sharp.naturalHeight - wide / high) < 0.02) picture.src = original;
    });
    sharp.src = original;
  }
  if (page.dataset.nextPicture) new Image().src = page.dataset.nextPicture;
});

/* The queue: Enter begins, one box chooses all. */
rf.part("[data-key='Enter']", (link) => addEventListener("keydown", (event) => {
  if (link.isConnected && event.key === "Enter" && !event.target.matches("input, button, a, summary")) link.click();
}));
rf.part("[data-undo]", (form) => addEventListener("keydown", (event) => {
  const elsewhere = !form.isConnected || document.querySelector("[data-review], dialog[open]");
  if (!elsewhere && event.key === "u" && !event.target.matches("input, textarea, select")) form.querySelector("button").click();
}));
rf.part("[data-all]", (all) => all.addEventListener("change", () => {
  for (const box of document.querySelectorAll(`input[name=${all.dataset.all || "receipt"}]`)) box.checked = all.checked;
}));
