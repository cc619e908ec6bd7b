// The scanner writes where the focus is, so the focus stays in the scan field: whatever is typed elsewhere than in a field goes there.

const field = () => document.querySelector("[data-scan]");
const typing = () => document.activeElement?.matches("input:not([type=checkbox]), select, textarea");

function aim() {
  field()?.focus({ preventScroll: true });
}

function tell() {
  const result = document.querySelector("[data-scanned]");
  if (result) navigator.vibrate?.(result.dataset.scanned === "wrong" ? [200, 80, 200] : 40);
}

document.addEventListener("keydown", (event) => {
  if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && !typing()) aim();
});

document.body.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "dock-work") return;
  aim();
  tell();
});

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
aim();
tell();
