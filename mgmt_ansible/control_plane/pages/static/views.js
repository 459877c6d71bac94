// Saved views (a name for an address, kept in this browser), selecting several lines, and links that renew the content only.
(() => {
  "use strict";

  const place = document.querySelector("[data-views]");
  const kept = () => JSON.parse(localStorage.getItem(`views:${place.dataset.views}`) || "{}");
  const keep = (views) => localStorage.setItem(`views:${place.dataset.views}`, JSON.stringify(views));

  function fill() {
    const list = document.getElementById("views");
    const views = kept();
    const here = location.search;
    list.replaceChildren(new Option("Saved views", ""), ...Object.keys(views).sort().map((name) => new Option(name, name, false, views[name] === here)));
    document.getElementById("forget-view").hidden = !list.value;
  }

  if (place) {
    place.hidden = false;
    fill();
    document.addEventListener("htmx:after:history:update", fill);
    document.getElementById("views").addEventListener("change", (choice) => {
      if (choice.target.value) location.assign(place.dataset.views + kept()[choice.target.value]);
    });
    document.getElementById("save-view").addEventListener("click", () => {
      const name = (prompt("Name of this view") || "").trim().slice(0, 60);
      if (!name) return;
      const query = new URLSearchParams(location.search);
      for (const passing of ["offset", "before", "event"]) query.delete(passing);
      keep({ ...kept(), [name]: query.size ? `?${query}` : "" });
      fill();
    });
    document.getElementById("forget-view").addEventListener("click", () => {
      const views = kept();
      delete views[document.getElementById("views").value];
      keep(views);
      fill();
    });
  }

  document.addEventListener("change", (change) => {
    const form = change.target.closest("[data-bulk]");
    if (form && change.target.matches("[data-all]")) {
      for (const box of form.querySelectorAll('[name="id"]')) box.checked = change.target.checked;
    }
  });
})();
