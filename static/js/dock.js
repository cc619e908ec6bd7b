// The scanner writes where the focus is, so the focus stays in the scan field: whatever is typed elsewhere than in a field goes there.
// It is also quicker than any answer. So each code leaves its field at once and waits its turn, and the field stays while all around it is drawn anew.

const SCAN = "#scan-code";
const field = () => document.querySelector(SCAN);
const typing = () => document.activeElement?.matches("input:not([type=checkbox]), select, textarea");
const waiting = [];
let sending = false;
let failed = false;

function aim() {
  field()?.focus({ preventScroll: true });
}

function tell() {
  const result = document.querySelector("[data-scanned]");
  if (result) navigator.vibrate?.(result.dataset.scanned === "wrong" ? [200, 80, 200] : 40);
}

async function send() {
  if (sending) return;
  sending = true;
  while (waiting.length) {
    const button = document.querySelector("[data-scan-button]");
    failed = false;
    try {
      await htmx.ajax("POST", button.dataset.scanButton, {
        source: button, target: "#dock-work", select: "#dock-work", swap: "outerHTML", values: { code: waiting[0], scan: "1" },
      });
    } catch {
      failed = true;
    }
    if (failed) {
      // What was not taken stands in the field again, and goes first at the next try.
      if (!field().value) field().value = waiting.shift();
      break;
    }
    waiting.shift();
  }
  sending = false;
}

document.addEventListener("keydown", (event) => {
  if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && !typing()) aim();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-scan-button]")) return;
  event.preventDefault();
  const code = field().value;
  field().value = "";
  aim();
  waiting.push(code);
  send();
});

for (const what of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.body.addEventListener(what, () => { failed = true; });

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "dock-work") return;
  if (!typing()) aim();
  tell();
});

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
aim();
// Said for browsers without scripts. htmx would obey it again a moment after each scan, in the middle of a number that somebody types elsewhere.
field()?.removeAttribute("autofocus");
tell();
