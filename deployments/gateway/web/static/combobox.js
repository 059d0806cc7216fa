"use strict";
/* A field that suggests names while they are typed (WAI-ARIA's editable combobox). The arrows show a name in the field,
   as it would be saved; Escape brings back what was typed. Nothing is taken by itself. */
rf.part("[data-suggests]", (input) => {
  if (input.role === "combobox") return;
  const list = document.createElement("ul"), said = document.createElement("span");
  let typed = null, at = -1, asked = null, filling = false;
  const options = () => [...list.children];
  Object.assign(list, { id: input.id + "-names", className: "suggestions", hidden: true, role: "listbox", ariaLabel: input.dataset.label });
  Object.assign(said, { className: "visually-hidden", role: "status" });
  input.after(list, said);
  input.removeAttribute("list"); /* what browsers suggest without scripts */
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) input.setAttribute(name, value);

  function show(names) {
    at = -1;
    list.replaceChildren(...names.map(({ name, source }, place) => {
      const option = document.createElement("li"), value = document.createElement("bdi"), from = document.createElement("small");
      Object.assign(option, { id: `${list.id}-${place}`, role: "option", ariaSelected: "false" });
      value.textContent = name;
      from.textContent = input.dataset[source];
      option.append(value, " ", from);
      option.addEventListener("click", () => { fill(name); close(); input.focus(); });
      return option;
    }));
    list.hidden = !names.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    input.removeAttribute("aria-activedescendant");
    said.textContent = names.length ? `${names.length} ${input.dataset.many}` : "";
  }
  function close() {
    asked?.abort();
    typed = null;
    show([]);
  }
  function fill(value) {
    filling = true;
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
    filling = false;
  }
  async function ask(text) {
    asked?.abort();
    const mine = (asked = new AbortController());
    typed = input.value;
    const query = new URLSearchParams({ text, country: input.dataset.country || "", currency: input.form?.elements.currency?.value.slice(0, 3) || "" });
    try {
      const answer = await fetch(`${input.dataset.suggests}?${query}`, { signal: mine.signal });
      const names = answer.ok ? await answer.json() : [];
      if (mine.signal.aborted || document.activeElement !== input) return;
      show(names);
      list.dataset.of = text;
    } catch { /* away, or asked again: a field is typed in all the same */ }
  }
  function move(by) {
    const all = options();
    all[at]?.setAttribute("aria-selected", "false");
    at = (at + 1 + by + all.length + 1) % (all.length + 1) - 1; /* before the first one is what was typed */
    if (at < 0) { input.removeAttribute("aria-activedescendant"); fill(typed); return; }
    all[at].setAttribute("aria-selected", "true");
    all[at].scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", all[at].id);
    fill(all[at].firstChild.textContent);
  }
  input.addEventListener("input", () => {
    if (filling) return;
    if (input.value.trim() && document.activeElement === input) ask(input.value);
    else close();
  });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Enter") close();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) ask(typed ?? ""); /* with nothing typed yet, the owner's own merchants */
      else move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Escape" && !list.hidden) {
      event.stopPropagation();
      event.preventDefault();
      fill(typed);
      close();
    }
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); /* the field keeps the focus */
  input.addEventListener("blur", close);
});
