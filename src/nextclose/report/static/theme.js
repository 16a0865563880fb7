/* Light, dark, or as the machine has it; remembered where the browser allows it. */
(() => {
  "use strict";
  const root = document.documentElement, KEY = "nextclose-theme";
  const remembered = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const remember = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* not allowed */ } };

  function wear(theme) {
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    else delete root.dataset.theme;
  }
  const announce = () => document.dispatchEvent(new CustomEvent("themechange"));

  wear(remembered()); // before anything is painted
  document.addEventListener("DOMContentLoaded", () => {
    const box = document.getElementById("theme");
    box.hidden = false;
    box.querySelectorAll("input").forEach((choice) => {
      choice.checked = choice.value === (root.dataset.theme || "auto");
      choice.addEventListener("change", () => { wear(choice.value); remember(choice.value); announce(); });
    });
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
})();
