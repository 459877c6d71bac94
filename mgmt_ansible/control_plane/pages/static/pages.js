// What htmx does not do: the theme switch, copying, questions as dialogs, and addresses without empty filters.
(() => {
  "use strict";

  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");

  // From the system's theme to the other one, to the same one fixed, and back.
  function nextTheme() {
    const chosen = root.dataset.theme;
    const [same, other] = system.matches ? ["dark", "light"] : ["light", "dark"];
    return chosen === undefined ? other : chosen === other ? same : undefined;
  }

  function labelTheme() {
    const button = document.getElementById("theme");
    if (!button) return;
    const label = `Theme: ${root.dataset.theme ?? "the system's"}. Switch to ${nextTheme() ?? "the system's"}`;
    button.setAttribute("aria-label", label);
    button.title = label;
  }

  function switchTheme() {
    const next = nextTheme();
    if (next) {
      root.dataset.theme = next;
      localStorage.setItem("theme", next);
    } else {
      delete root.dataset.theme;
      localStorage.removeItem("theme");
    }
    labelTheme();
  }
  labelTheme();
  system.addEventListener("change", labelTheme);

  // Outside of https and this machine, browsers have no clipboard for pages.
  async function copyText(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }

  async function copy(button) {
    const path = button.dataset.copyLink;
    await copyText(path === undefined ? button.dataset.copy : new URL(path, location.href).href);
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, 1500);
  }

  // A question is a page of its own; here its middle is shown in a dialog over this one.
  async function ask(address) {
    const dialog = document.getElementById("dialog");
    try {
      const answer = await fetch(address, { headers: { Accept: "text/html" } });
      const asked = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("ask");
      if (!answer.ok || !asked || !dialog) throw new Error("no question there");
      dialog.replaceChildren(document.adoptNode(asked));
      armTyped(dialog);
      dialog.showModal();
    } catch (error) {
      location.assign(address);
    }
  }

  function armTyped(part) {
    for (const field of part.querySelectorAll("[data-confirm]")) {
      const button = field.form.querySelector("[data-confirmed]");
      const check = () => (button.disabled = field.value !== field.dataset.confirm);
      field.addEventListener("input", check);
      check();
    }
  }
  armTyped(document);

  document.addEventListener("click", (click) => {
    if (click.target.closest("#theme")) switchTheme();
    const copied = click.target.closest("[data-copy], [data-copy-link]");
    if (copied) copy(copied);
    const asked = click.target.closest("a[data-ask]");
    if (asked && !(click.ctrlKey || click.metaKey || click.shiftKey)) {
      click.preventDefault();
      ask(asked.href);
    }
    if (click.target.closest("[data-close-dialog]") && click.target.closest("dialog")) {
      click.preventDefault();
      click.target.closest("dialog").close();
    }
  });

  // An address without empty filters can be pasted in a ticket.
  document.addEventListener("htmx:config:request", ({ detail }) => {
    const body = detail.ctx.request.body;
    if (detail.ctx.sourceElement.id !== "filters" || !(body instanceof FormData)) return;
    for (const [name, value] of [...body.entries()]) if (value === "") body.delete(name);
    const columns = detail.ctx.sourceElement.querySelector("[data-usual]");
    if (columns && columns.dataset.usual === body.getAll("column").join(" ")) body.delete("column");
  });
})();
