// Live: a stream says that something changed, and the page renews its content. Where no stream comes through, it asks by itself.
(() => {
  "use strict";

  const QUIET_TOO_LONG_MS = 35000; // the server says something every 10 s
  const RETRY_MS = 3000;
  const POLL_MS = 10000; // while no stream comes through
  const TEXTS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", paused: "Paused" };

  const live = document.getElementById("live");
  const broken = document.getElementById("broken");
  const content = () => document.getElementById("content");
  let heardAt = 0;
  let askedAt = Date.now();
  let paused = false; // by the reader
  let missed = false; // something changed while paused
  let connection = "connecting";

  function show(state = connection) {
    connection = state;
    if (!live) return;
    const shown = paused ? "paused" : state;
    if (live.dataset.state === shown) return;
    live.dataset.state = shown;
    live.querySelector(".live-text").textContent = TEXTS[shown];
    live.title = paused ? "Go on with live updates (p)" : "Pause live updates (p)";
  }

  function refresh() {
    if (paused) {
      missed = true;
      return;
    }
    askedAt = Date.now();
    if (content()) htmx.trigger(content(), "refresh");
  }

  function heard() {
    heardAt = Date.now();
    if (connection === "reconnecting") refresh(); // what was missed
    show("live");
  }

  function lost() {
    show(document.hidden ? "paused" : "reconnecting");
  }

  function announce(message) {
    try {
      document.getElementById("announcement").textContent = JSON.parse(message).title;
    } catch (error) {
      console.warn("not an announcement", error);
    }
  }

  function tick() {
    if (live && heardAt && Date.now() - heardAt > QUIET_TOO_LONG_MS) lost();
    if (paused || document.hidden || !content()) return;
    const every = Number(content().dataset.every || 60) * 1000;
    const wanted = connection === "live" ? every : Math.min(every, POLL_MS);
    if (Date.now() - askedAt >= wanted) refresh();
  }
  setInterval(tick, 500);

  if (live) {
    live.addEventListener("quiet", heard);
    live.addEventListener("ended", () => {
      paused = false;
      refresh(); // which leads to the login
    });
    live.addEventListener("changed", (message) => {
      heard();
      announce(message.detail.data);
      refresh();
    });
    live.addEventListener("htmx:sse:error", () => show("reconnecting"));
    live.addEventListener("htmx:sse:before:connection", () => {
      if (heardAt) lost();
    });
    // The very first request is not repeated by the extension.
    live.addEventListener("htmx:error", () => {
      show("reconnecting");
      setTimeout(() => htmx.trigger(live, "retry"), RETRY_MS);
    });
    live.addEventListener("click", () => {
      paused = !paused;
      show();
      if (!paused && missed) {
        missed = false;
        refresh();
      }
    });
  }

  // A page that cannot be renewed says so, with the id that finds the request in the log.
  document.addEventListener("htmx:response:error", ({ detail }) => {
    const id = detail.ctx.response.headers.get("x-request-id");
    broken.textContent = `This page could not be renewed: the control plane answered ${detail.ctx.response.status}` + (id ? ` (request ${id})` : "") + ". It is asked again.";
    broken.hidden = false;
  });
  document.addEventListener("htmx:after:swap", () => {
    broken.hidden = true;
  });

  // Somebody waits: after 300 ms (in the style sheet) lines become grey bars.
  document.addEventListener("htmx:before:request", ({ detail }) => {
    if (content() && detail.ctx.sourceElement !== content() && detail.ctx.sourceElement !== live) content().dataset.loading = "";
  });
  document.addEventListener("htmx:finally:request", () => {
    if (content()) delete content().dataset.loading;
  });
})();
