// Parts of a page that fetch themselves anew: mark what changed until it was seen, and never disturb a person.

const before = new Map();
const LOOK = 2500;
const LATER = 2000;

// The parts that are fetching themselves, and whether there was news for them meanwhile: a request that htmx puts off for that
// is asked in the name of the element that is replaced by then, which is in vain.
const asking = new Map();

export function said(name) {
  for (const id of asking.keys()) {
    const triggers = document.getElementById(id)?.getAttribute("hx-trigger") ?? "";
    if (triggers.split(",").some((each) => each.trim().split(/\s/)[0] === name)) asking.set(id, true);
  }
}

function askAgain(id, wait) {
  window.setTimeout(() => {
    const part = document.getElementById(id);
    if (!part || asking.has(id)) return;
    const [path, swap, select] = ["hx-get", "hx-swap", "hx-select"].map((name) => part.getAttribute(name));
    window.htmx.ajax("GET", path, { source: part, target: part, swap, select });
  }, wait);
}

// Whether there was news for a part while it fetched itself, which is at an end now.
function missed(id) {
  const news = asking.get(id);
  asking.delete(id);
  return news;
}

function words(element) {
  const copy = element.cloneNode(true);
  for (const time of copy.querySelectorAll("time[title], input, .new-mark")) time.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

function keyed(part) {
  return new Map([...part.querySelectorAll("[data-key]")].map((element) => [element.dataset.key, words(element)]));
}

// Somebody is at work in a part when a field in it has the focus or a menu in it is open.
function isBusy(part) {
  const field = part.querySelector("textarea:focus, select:focus, input:focus:not([type=checkbox])");
  return Boolean(field || part.querySelector("details.drop[open]"));
}

function typingAt() {
  const field = document.activeElement;
  return field?.matches("textarea, select, input:not([type=checkbox])") ? field.getBoundingClientRect().top : null;
}

function offer(news) {
  const bar = document.querySelector("[data-news]");
  if (!bar) return;
  bar.querySelector("[data-news-text]").textContent = bar.dataset.text.replace("{partner}", news?.by ?? news?.partner ?? "");
  bar.hidden = false;
}

function seen(element) {
  const watcher = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting) || document.hidden) return;
    watcher.disconnect();
    window.setTimeout(() => {
      const done = () => element.classList.remove("is-fresh");
      for (const sign of ["pointermove", "keydown", "touchstart", "scroll"]) {
        window.addEventListener(sign, done, { once: true, passive: true });
      }
    }, LOOK);
  });
  watcher.observe(element);
}

function announce(part) {
  const place = document.querySelector("[data-announce]");
  const name = part.getAttribute("aria-label") ?? document.getElementById(part.getAttribute("aria-labelledby"))?.textContent;
  if (place && name) place.textContent = place.dataset.text.replace("{part}", name.trim());
}

document.body.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.target;
  if (!part.matches?.("[data-fresh-within]") || !isBusy(part)) return;
  event.preventDefault();
  offer(event.detail.requestConfig?.triggeringEvent?.detail);
});

document.body.addEventListener("htmx:beforeSend", (event) => {
  if (event.target.matches?.("[data-fresh-within]")) asking.set(event.target.id, false);
});

// A server that is not there for the moment is asked later: the page must not stay behind what was said meanwhile.
document.body.addEventListener("htmx:afterRequest", (event) => {
  const { successful, xhr, target } = event.detail;
  if (successful || !target.matches?.("[data-fresh-within]")) return;
  missed(target.id);
  if (xhr.status === 0 || xhr.status === 429 || xhr.status >= 500) askAgain(target.id, LATER * (1 + Math.random()));
});

document.body.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (part.matches?.("[data-fresh-within]")) before.set(part.id, { keys: keyed(part), picked: picked(part), top: typingAt() });
});

document.body.addEventListener("htmx:afterSettle", (event) => {
  const part = document.getElementById(event.target.id);
  if (part && missed(part.id)) askAgain(part.id, 0);
  const old = part && before.get(part.id);
  if (!old) return;
  before.delete(part.id);
  restore(part, old.picked);
  // What somebody is typing stays where it was on the screen, whatever grew above it.
  if (old.top !== null && typingAt() !== null) window.scrollBy({ top: typingAt() - old.top, behavior: "instant" });
  let changed = false;
  for (const [key, text] of keyed(part)) {
    if (old.keys.get(key) === text) continue;
    const element = part.querySelector(`[data-key="${CSS.escape(key)}"]`);
    element.classList.add("is-fresh");
    seen(element);
    changed = true;
  }
  if (changed) announce(part);
});

function picked(part) {
  return [...part.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value);
}

function restore(part, values) {
  for (const box of part.querySelectorAll("input[type=checkbox][name]")) box.checked = values.includes(box.value);
  part.dispatchEvent(new CustomEvent("restored", { bubbles: true }));
}

// A form that somebody fills in: it is never touched, the bar alone tells the news.
const form = document.querySelector("[data-live-form]");
if (form) document.body.addEventListener(`live:${form.dataset.liveForm}`, (event) => offer(event.detail));

document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.target.matches?.("[data-clear-after]")) event.target.reset();
});

for (const element of document.querySelectorAll(".is-fresh")) seen(element);
