// What htmx does not do: the live state, relative times, the theme switch, copying, and two keys.
(() => {
  "use strict";

  const QUIET_TOO_LONG_MS = 35000; // the server says something every 10 s
  const RETRY_MS = 3000;
  const TEXTS = {
    connecting: "Connecting",
    live: "Live",
    reconnecting: "Reconnecting",
    paused: "Paused",
  };

  const live = document.getElementById("live");
  let heardAt = 0;

  function show(state) {
    if (!live || live.dataset.state === state) return;
    live.dataset.state = state;
    live.querySelector(".live-text").textContent = TEXTS[state];
  }

  function heard() {
    heardAt = Date.now();
    if (live.dataset.state === "reconnecting") refresh(); // what was missed
    show("live");
  }

  function refresh() {
    const content = document.getElementById("content");
    if (content) htmx.trigger(content, "refresh");
  }

  function announce(message) {
    try {
      document.getElementById("announcement").textContent = JSON.parse(message).title;
    } catch (error) {
      console.warn("not an announcement", error);
    }
  }

  if (live) {
    live.addEventListener("quiet", heard);
    live.addEventListener("ended", refresh); // which leads to the login
    live.addEventListener("changed", (message) => {
      heard();
      announce(message.detail.data);
      refresh();
    });
    live.addEventListener("htmx:sse:error", () => show("reconnecting"));
    live.addEventListener("htmx:sse:before:connection", () => {
      if (heardAt) show(document.hidden ? "paused" : "reconnecting");
    });
    // The very first request is not repeated by the extension.
    live.addEventListener("htmx:error", () => {
      show("reconnecting");
      setTimeout(() => htmx.trigger(live, "retry"), RETRY_MS);
    });
    setInterval(() => {
      if (heardAt && Date.now() - heardAt > QUIET_TOO_LONG_MS) show(document.hidden ? "paused" : "reconnecting");
    }, 5000);
  }

  function relative(seconds) {
    if (seconds < 5) return "just now";
    if (seconds < 60) return `${Math.floor(seconds)} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    const days = Math.floor(seconds / 86400);
    return days === 1 ? "1 day ago" : `${days} days ago`;
  }

  function tellTimes() {
    for (const element of document.querySelectorAll("time[data-relative]")) {
      const text = relative(Math.max(0, (Date.now() - Date.parse(element.dateTime)) / 1000));
      if (element.textContent !== text) element.textContent = text;
    }
  }
  setInterval(tellTimes, 5000);

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function labelTheme() {
    const button = document.getElementById("theme");
    if (button) button.setAttribute("aria-label", isDark() ? "Switch to the light theme" : "Switch to the dark theme");
  }
  labelTheme();

  document.addEventListener("click", async (click) => {
    if (click.target.closest("#theme")) {
      const next = isDark() ? "light" : "dark";
      document.documentElement.dataset.theme = next;
      localStorage.setItem("theme", next);
      labelTheme();
    }
    const copy = click.target.closest("[data-copy]");
    if (copy) {
      await navigator.clipboard.writeText(copy.dataset.copy);
      copy.dataset.copied = "";
      setTimeout(() => delete copy.dataset.copied, 1500);
    }
  });

  document.addEventListener("keydown", (key) => {
    const search = document.getElementById("search");
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(key.target.tagName);
    if (key.key === "/" && search && !typing && !key.ctrlKey && !key.metaKey && !key.altKey) {
      key.preventDefault();
      search.focus();
    }
  });

  // An address without empty filters can be pasted in a ticket.
  document.addEventListener("htmx:config:request", ({ detail }) => {
    const body = detail.ctx.request.body;
    if (detail.ctx.sourceElement.id !== "filters" || !(body instanceof FormData)) return;
    for (const [name, value] of [...body.entries()]) if (value === "") body.delete(name);
  });
})();
