// Keys: / searches, j and k go from line to line, g and a letter to a page, p pauses, ? tells the keys.
(() => {
  "use strict";

  const GO_MS = 1500;
  let wentAt = 0;

  function step(by) {
    const lines = [...document.querySelectorAll("#content .row-link")].filter((link) => link.offsetParent);
    const now = lines.indexOf(document.activeElement.closest(".row-link"));
    const next = lines[now < 0 ? (by > 0 ? 0 : lines.length - 1) : now + by];
    if (!next) return;
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function open(id) {
    const dialog = document.getElementById(id);
    if (dialog && !dialog.open) dialog.showModal();
  }

  const DO = {
    "/": () => document.getElementById("search")?.focus(),
    "?": () => open("help"),
    j: () => step(1),
    k: () => step(-1),
    p: () => document.getElementById("live")?.click(),
    Escape: () => document.querySelector("[data-close-panel]")?.click(),
  };

  document.addEventListener("keydown", (key) => {
    if (key.ctrlKey || key.metaKey || key.altKey || key.isComposing) return;
    if (key.target.closest("input, select, textarea, dialog")) return;
    const goes = Date.now() - wentAt < GO_MS;
    wentAt = 0;
    const link = goes && /^[a-z]$/.test(key.key) && document.querySelector(`.places [data-go="${key.key}"]`);
    if (link) {
      key.preventDefault();
      link.click();
    } else if (key.key === "g") {
      wentAt = Date.now();
    } else if (DO[key.key]) {
      key.preventDefault();
      DO[key.key]();
    }
  });

  document.getElementById("keys")?.addEventListener("click", () => open("help"));
})();
