// A list for the keyboard: j and k move, enter opens, x selects.

import { isTyping } from "./typing.js";

const list = document.querySelector("[data-list]");
let here = null;

const rows = () => [...list.querySelectorAll("[data-row]")];
const boxes = () => [...list.querySelectorAll("[data-row] input[type=checkbox]")];

function stand(row) {
  list.querySelector(".is-here")?.classList.remove("is-here");
  if (!row) return;
  here = row.dataset.key;
  row.classList.add("is-here");
  row.querySelector("[data-row-link]").focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function step(by) {
  const all = rows();
  const index = all.findIndex((row) => row.dataset.key === here);
  stand(all[Math.max(0, Math.min(all.length - 1, index + by))]);
}

function count() {
  const chosen = boxes().filter((box) => box.checked).length;
  for (const box of boxes()) box.closest("tr").classList.toggle("is-chosen", box.checked);
  list.querySelector("[data-pick-bar]").classList.toggle("is-on", chosen > 0);
  list.querySelector("[data-pick-count]").textContent = chosen;
  const all = list.querySelector("[data-pick-all]");
  if (!all) return;
  all.checked = chosen > 0 && chosen === boxes().length;
  all.indeterminate = chosen > 0 && !all.checked;
}

function choose(checked, only = boxes()) {
  for (const box of only) box.checked = checked;
  count();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  x: () => {
    const box = rows().find((row) => row.dataset.key === here)?.querySelector("input[type=checkbox]");
    if (box) choose(!box.checked, [box]);
  },
};

if (list) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  list.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) choose(event.target.checked);
    else count();
  });
  list.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-row]");
    if (row) here = row.dataset.key;
  });
  list.addEventListener("restored", () => {
    count();
    rows().find((row) => row.dataset.key === here)?.classList.add("is-here");
  });
  list.querySelector("[data-pick-none]").addEventListener("click", () => choose(false));
  count();
}
