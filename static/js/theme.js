// Runs before the first paint, so that a page never flashes in the other theme. Not a module for that reason.
(() => {
  const root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    const value = window.localStorage.getItem("theme");
    return value === "light" || value === "dark" ? value : null;
  };
  const show = () => {
    const theme = chosen() ?? (system.matches ? "dark" : "light");
    if (root.dataset.bsTheme === theme) return;
    root.dataset.bsTheme = theme;
    window.dispatchEvent(new CustomEvent("theme", { detail: theme }));
  };
  root.classList.add("js");
  show();
  system.addEventListener("change", show);
  window.addEventListener("storage", (event) => event.key === "theme" && show());
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const theme = root.dataset.bsTheme === "dark" ? "light" : "dark";
    window.localStorage.setItem("theme", theme);
    // The server reads the cookie, so that the page is right without this script, too.
    document.cookie = `theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    show();
  });
})();
