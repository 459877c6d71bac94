// Upload of a package: the file goes as it is, in one request, with its progress.
(() => {
  "use strict";

  const form = document.getElementById("upload");
  if (!form) return;

  const progress = document.getElementById("upload-progress");
  const state = document.getElementById("upload-state");
  const stop = document.getElementById("upload-stop");
  const send = form.querySelector("button.primary");

  function size(octets) {
    const units = ["B", "KiB", "MiB", "GiB"];
    const power = Math.min(units.length - 1, octets > 0 ? Math.floor(Math.log2(octets) / 10) : 0);
    return `${(octets / 1024 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
  }

  function busy(on) {
    progress.hidden = !on;
    stop.hidden = !on;
    send.disabled = on;
  }

  function done(request) {
    busy(false);
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch (error) {
      console.warn("not JSON", error);
    }
    if (request.status === 200 || request.status === 201) {
      location.assign(`/packages/${encodeURIComponent(answer.id)}`);
      return;
    }
    const id = answer.requestId ? ` (request ${answer.requestId})` : "";
    state.textContent = `Refused: ${answer.message ?? `the control plane answered ${request.status}`}${id}`;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const fields = new FormData(form);
    const file = fields.get("archive");
    const query = new URLSearchParams({ name: fields.get("name"), version: fields.get("version") });
    const request = new XMLHttpRequest();
    request.open("POST", `${form.dataset.upload}?${query}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      progress.value = total ? loaded / total : 0;
      state.textContent = loaded < total ? `${size(loaded)} of ${size(total)}` : "Checking the archive";
    });
    request.addEventListener("load", () => done(request));
    request.addEventListener("error", () => {
      busy(false);
      state.textContent = "The connection broke: nothing was added. Try again.";
    });
    request.addEventListener("abort", () => {
      busy(false);
      state.textContent = "Stopped: nothing was added.";
    });
    stop.onclick = () => request.abort();
    busy(true);
    request.send(file);
  });
})();
