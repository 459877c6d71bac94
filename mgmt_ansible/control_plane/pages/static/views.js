// Menus that close by themselves, saved views that know the filters of now, and selecting several lines.
(() => {
  "use strict";

  const menu = document.querySelector("[data-views]");
  const PASSING = ["offset", "before", "event"]; // where one is in a list is no part of a view of it

  function here() {
    const query = new URLSearchParams(location.search);
    for (const name of PASSING) query.delete(name);
    for (const name of new Set(query.keys())) if (query.getAll(name).every((value) => value === "")) query.delete(name);
    return query.toString();
  }

  // Filters change the address without a new page.
  function follow() {
    const query = here();
    for (const field of menu.querySelectorAll('[name="query"]')) field.value = query;
    for (const link of menu.querySelectorAll("[data-view]")) {
      if (new URLSearchParams(link.dataset.view).toString() === query) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  }

  // Once views were kept in the browser: those go to the account, unless there is one of their name.
  async function bring() {
    const key = `views:${menu.dataset.views}`;
    const kept = localStorage.getItem(key);
    if (kept === null) return;
    const names = new Set([...menu.querySelectorAll("[data-view]")].map((link) => link.textContent));
    for (const [name, query] of Object.entries(JSON.parse(kept))) {
      if (names.has(name)) continue;
      const body = new URLSearchParams({ page: menu.dataset.page, name, query: new URLSearchParams(query).toString() });
      const answer = await fetch("/views", { method: "POST", body, redirect: "manual" });
      if (answer.type !== "opaqueredirect" && answer.status !== 422) return;
    }
    localStorage.removeItem(key);
    location.reload();
  }

  if (menu) {
    follow();
    document.addEventListener("htmx:after:history:update", follow);
    menu.addEventListener("submit", follow);
    bring().catch((error) => console.warn("saved views stay in this browser", error));
  }

  const open = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("click", (click) => {
    for (const one of open()) if (!one.contains(click.target)) one.open = false;
  });
  document.addEventListener("keydown", (key) => {
    if (key.key !== "Escape") return;
    for (const one of open()) {
      one.open = false;
      one.querySelector("summary").focus();
    }
  });

  document.addEventListener("change", (change) => {
    const form = change.target.closest("[data-bulk]");
    if (form && change.target.matches("[data-all]")) {
      for (const box of form.querySelectorAll('[name="id"]')) box.checked = change.target.checked;
    }
  });
})();
