// Times: told from now, or absolutely in UTC or in the reader's own zone, as the switch in the bar says.
(() => {
  "use strict";

  const button = document.getElementById("zone");
  const zoneName = Intl.DateTimeFormat().resolvedOptions().timeZone || "local time";
  const format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

  const isLocal = () => localStorage.getItem("zone") === "local";

  function relative(seconds) {
    if (seconds < 5) return "just now";
    if (seconds < 60) return `${Math.floor(seconds)} s ago`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
    const days = Math.floor(seconds / 86400);
    return days === 1 ? "1 day ago" : `${days} days ago`;
  }

  function absolute(moment) {
    if (isLocal()) return `${format.format(moment)} ${zoneName}`;
    return `${moment.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  }

  function set(element, name, value) {
    if (element[name] !== value) element[name] = value;
  }

  function tellTimes() {
    for (const element of document.querySelectorAll("time[data-relative], time[data-absolute]")) {
      const moment = new Date(element.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      if ("relative" in element.dataset) {
        set(element, "textContent", relative(Math.max(0, (Date.now() - moment) / 1000)));
        set(element, "title", absolute(moment));
      } else {
        set(element, "textContent", absolute(moment));
      }
    }
  }

  function labelZone() {
    if (!button) return;
    button.hidden = false;
    button.textContent = isLocal() ? "Local" : "UTC";
    button.title = isLocal() ? `Times are in ${zoneName}; switch to UTC` : `Times are in UTC; switch to ${zoneName}`;
  }

  if (button) {
    button.addEventListener("click", () => {
      localStorage.setItem("zone", isLocal() ? "utc" : "local");
      labelZone();
      tellTimes();
    });
  }
  labelZone();
  tellTimes();
  document.addEventListener("htmx:after:swap", tellTimes);
  setInterval(tellTimes, 5000);
})();
