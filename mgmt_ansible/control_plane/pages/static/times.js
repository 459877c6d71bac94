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

  // Fields have no zone of their own: each has beside it the exact instant that goes into the address.
  function fieldOf(instant) {
    const moment = new Date(instant);
    if (Number.isNaN(moment.getTime())) return "";
    const shown = isLocal() ? new Date(moment - moment.getTimezoneOffset() * 60000) : moment;
    return shown.toISOString().slice(0, 19).replace(/:00$/, "");
  }

  function instantOf(field) {
    const moment = new Date(isLocal() ? field : `${field}Z`);
    return Number.isNaN(moment.getTime()) ? "" : moment.toISOString().replace(".000Z", "Z");
  }

  function tellFields() {
    for (const field of document.querySelectorAll("[data-instant]")) {
      if (!field.exact) makeExact(field);
      set(field, "value", fieldOf(field.exact.value));
    }
    for (const label of document.querySelectorAll("[data-zone]")) label.textContent = isLocal() ? `(${zoneName})` : "(UTC)";
  }

  function makeExact(field) {
    field.exact = document.createElement("input");
    Object.assign(field.exact, { type: "hidden", name: field.name, value: field.dataset.instant });
    field.removeAttribute("name");
    field.after(field.exact);
    field.addEventListener("input", () => (field.exact.value = instantOf(field.value)));
    // What a clock that is put forward skips is no time: the field shows what it was taken for.
    field.addEventListener("change", () => set(field, "value", fieldOf(field.exact.value)));
  }

  if (button) {
    button.addEventListener("click", () => {
      localStorage.setItem("zone", isLocal() ? "utc" : "local");
      labelZone();
      tellTimes();
      tellFields();
    });
  }
  labelZone();
  tellTimes();
  tellFields();
  document.addEventListener("htmx:after:swap", tellTimes);
  setInterval(tellTimes, 5000);
})();
