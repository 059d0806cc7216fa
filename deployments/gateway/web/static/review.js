"use strict";
/* Review by keys: one field is marked, digits take its candidates, letters begin to type, Enter books; the picture goes
   to the marked field. */
rf.part("[data-review]", (page) => {
  if (page.dataset.started) return;
  page.dataset.started = "1";
  const paper = page.querySelector("[data-paper]"), inner = paper?.querySelector(".paper-inner");
  const picture = inner?.querySelector("img"), sheets = [...page.querySelectorAll("[data-paper] svg.boxes")]; /* one a page */
  const fields = [...page.querySelectorAll("#review-form > .fields > [data-field]")];
  const unseen = new Set(fields.filter((field) => field.classList.contains("doubtful"))); /* not marked so far */
  let now = [...unseen][0] || fields[0], zoomed = false;

  const inputOf = (field) => field?.querySelector("input, textarea");
  const boxOf = (field) => inner?.querySelector(`[data-box="${field.dataset.field}"]`);
  /* The doubtful field that nobody was at yet: one behind the marked one, or else the first. */
  const following = () => fields.slice(fields.indexOf(now) + 1).find((field) => unseen.has(field)) || [...unseen][0];

  function mark(field, focus = true) {
    if (!field) return;
    now = field;
    unseen.delete(field);
    fields.forEach((one) => one.classList.toggle("marked", one === field));
    inner?.querySelectorAll(".now").forEach((box) => box.classList.remove("now"));
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
    if (!chosen) return false;
    fill(chosen.dataset.candidate);
    mark(following() || now);
    return true;
  }
  const press = (selector) => document.querySelector("#main")?.querySelector(selector)?.click();
  const actions = {
    e: () => { inputOf(now)?.focus(); inputOf(now)?.select(); },
    j: () => mark(fields[(fields.indexOf(now) + 1) % fields.length]),
    k: () => mark(fields[(fields.indexOf(now) + fields.length - 1) % fields.length]),
    z: () => look(!zoomed),
    n: () => press('[data-key="n"]'), m: () => press('[data-key="m"]'), d: () => press('[data-key="d"]'),
    b: () => press("[data-keep]"), s: () => press('[data-key="s"]'), u: () => press("[data-undo] button"),
    "?": () => page.querySelector("#keys").showModal(), Enter: () => press("[data-book]"),
  };
  /* Letters with Shift, as names begin, are no shortcuts. */
  const beginsText = (event) => event.shiftKey && /^\p{Lu}$/u.test(event.key);
  /* Enter in one of the fields takes what is typed, and the page is at its keys again: at the next field in doubt, or
     with all of them behind it, it books. */
  function accept(event) {
    if (event.isComposing || event.shiftKey || event.altKey || !fields.includes(event.target.closest("[data-field]"))) return;
    const next = following();
    event.preventDefault();
    mark(next || now);
    if (!next) actions.Enter();
  }
  function onKey(event) {
    if (!page.isConnected) { removeEventListener("keydown", onKey); return; }
    const typing = event.target.matches("input, textarea, select"), digit = Number(event.code.replace("Digit", ""));
    if (document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey) return;
    if (digit >= 1 && (event.altKey || !typing)) {
      if (take(digit)) event.preventDefault();
      else if (!event.altKey) actions.e(); /* no candidate has this number: it is the first figure of a typed value */
      return;
    }
    if (event.key === "Escape" && typing) { mark(event.target.closest("[data-field]") || now); return; }
    if (typing && event.key === "Enter") { accept(event); return; }
    if (typing || event.altKey || (event.key === "Enter" && event.target.matches("button, a, summary"))) return;
    const action = beginsText(event) ? null : actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (action) { event.preventDefault(); action(); }
    else if ([...event.key].length === 1 && event.key !== " ") actions.e(); /* the browser types it into the field */
  }
  addEventListener("keydown", onKey);
  page.querySelector("[data-help]")?.addEventListener("click", actions["?"]);
  page.addEventListener("focusin", (event) => {
    const field = event.target.closest("[data-field]");
    if (field && field !== now && fields.includes(field)) mark(field, false);
  });
  for (const button of page.querySelectorAll("[data-candidate]")) {
    /* The focus goes to the field: on the button, Enter would press it again instead of booking. */
    button.addEventListener("click", () => { mark(button.closest("[data-field]")); fill(button.dataset.candidate); });
  }

  /* The words that were read lie over the picture: a click fills the marked field with the date or amount at that
     place, or else with the word; with Shift it adds to it. */
  const KINDS = { purchase_date: "dates", total: "amounts" };
  function at(event, boxes) {
    const frame = boxes.getBoundingClientRect(), size = boxes.viewBox.baseVal;
    return [(event.clientX - frame.left) * size.width / frame.width, (event.clientY - frame.top) * size.height / frame.height];
  }
  function valueIn(values, [left, top, right, bottom], x) {
    const inside = values.filter(([, l, t, r, b]) => l < right && r > left && (t + b) / 2 > top && (t + b) / 2 < bottom);
    const away = ([, l, , r]) => Math.max(l - x, x - r, 0);
    return inside.sort((one, other) => away(one) - away(other))[0]?.[0];
  }
  async function lay(boxes) {
    const answer = await fetch(`${page.dataset.words}?page=${boxes.dataset.page}`);
    if (!answer.ok) return;
    const read = await answer.json();
    for (const [text, left, top, right, bottom] of read.words) {
      const word = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      word.setAttribute("class", "word");
      for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) word.setAttribute(name, value);
      word.addEventListener("click", (event) => {
        const input = inputOf(now), before = event.shiftKey && input.value ? input.value + " " : "";
        const value = valueIn(read[KINDS[now.dataset.field]] || [], [left, top, right, bottom], at(event, boxes)[0]);
        fill(value ?? before + text);
      });
      boxes.append(word);
    }
  }
  sheets.forEach(lay);

  /* Draw a rectangle with the mouse, or with a finger after the button, and that part is read again for the field. */
  const draw = page.querySelector("[data-draw]"), note = page.querySelector("[data-drawn]");
  const rectangle = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  rectangle.setAttribute("class", "drawn");
  let from = null, drawn = null, sheet = null;
  function toggle(on) {
    draw.setAttribute("aria-pressed", String(on));
    sheets.forEach((boxes) => boxes.classList.toggle("drawing", on));
  }
  function sides(event, boxes) {
    const [x, y] = at(event, boxes), { width, height } = boxes.viewBox.baseVal;
    return [Math.max(0, Math.min(from[0], x)), Math.max(0, Math.min(from[1], y)), Math.min(width, Math.max(from[0], x)), Math.min(height, Math.max(from[1], y))];
  }
  async function readAgain(number, [left, top, right, bottom], field) {
    const body = new URLSearchParams({ page: number, left, top, right, bottom, field: field.dataset.field, csrf: draw.dataset.token });
    note.textContent = draw.dataset.reading;
    try {
      const answer = await fetch(draw.dataset.draw, { method: "POST", body, headers: { Accept: "application/json" } });
      const read = await answer.json();
      if (!answer.ok) note.textContent = read.detail;
      else if (read.value) { note.textContent = ""; fill(read.value, field); mark(field); }
      else note.textContent = read.text ? draw.dataset.other + " " + read.text : draw.dataset.nothing;
    } catch { note.textContent = draw.dataset.away; }
    rectangle.remove();
  }
  draw?.addEventListener("click", () => toggle(draw.getAttribute("aria-pressed") !== "true"));
  for (const boxes of draw ? sheets : []) {
    boxes.addEventListener("pointerdown", (event) => {
      const drawing = boxes.classList.contains("drawing");
      if (event.button || (event.pointerType === "touch" && !drawing)) return;
      from = at(event, boxes); drawn = null; sheet = boxes;
    });
    boxes.addEventListener("pointermove", (event) => {
      if (!from || sheet !== boxes) return;
      const [left, top, right, bottom] = sides(event, boxes), scale = boxes.getBoundingClientRect().width / boxes.viewBox.baseVal.width;
      if (!drawn && Math.max(right - left, bottom - top) * scale < 8) return;
      if (!drawn) boxes.setPointerCapture(event.pointerId);
      drawn = [left, top, right, bottom];
      for (const [name, value] of Object.entries({ x: left, y: top, width: right - left, height: bottom - top })) rectangle.setAttribute(name, value);
      boxes.append(rectangle);
    });
    boxes.addEventListener("pointerup", () => {
      from = null;
      if (!drawn) return;
      toggle(false);
      readAgain(boxes.dataset.page, drawn, now);
    });
    boxes.addEventListener("pointercancel", () => { from = drawn = null; rectangle.remove(); });
    /* The click that ends a drawing is none on the word below it. */
    boxes.addEventListener("click", (event) => { if (drawn) { drawn = null; event.stopPropagation(); } }, true);
  }
  mark(now);
  picture?.addEventListener("load", () => { if (zoomed) look(true); });

  /* Sharper where the original is a picture of the same form; the next one's picture comes ahead. */
  const original = picture?.dataset.original;
  if (original) {
    const sharp = new Image();
    sharp.addEventListener("load", () => {
      const [wide, high] = sheets.length ? [sheets[0].viewBox.baseVal.width, sheets[0].viewBox.baseVal.height] : [1, 0];
      if (Math.abs(sharp.naturalWidth / sharp.naturalHeight - wide / high) < 0.02) picture.src = original;
    });
    sharp.src = original;
  }
  if (page.dataset.nextPicture) new Image().src = page.dataset.nextPicture;
});

/* What was typed seems to be another receipt's purchase: it is booked all the same. */
rf.part("[data-keep]", (button) => button.addEventListener("click", () => {
  const form = document.getElementById(button.dataset.keep), kept = document.createElement("input");
  Object.assign(kept, { type: "hidden", name: "keep_both", value: "1" });
  form.append(kept);
  form.requestSubmit();
  kept.remove();
}));

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
