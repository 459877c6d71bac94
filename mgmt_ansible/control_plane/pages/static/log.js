// The log of a run: lines as they come, follow, wrap, search. Without scripts the lines are there all the same.
(() => {
  "use strict";

  const log = document.getElementById("log");
  if (!log) return;

  const MOST_LINES = 5000; // in the page; the rest is asked for by its numbers
  const PART_LINES = 2000; // that a page brings
  const NEAR_END = 24;
  const TONES = [
    [/^((fatal|failed): \[|ERROR!|\[ERROR\])/, "failing"],
    [/^changed: \[/, "warning"],
    [/^ok: \[/, "passing"],
    [/^(TASK \[|PLAY )/, "head"],
  ];
  const follow = document.getElementById("log-follow");
  const wrap = document.getElementById("log-wrap");
  const find = document.getElementById("log-find");
  const hits = document.getElementById("log-hits");
  let following = follow.getAttribute("aria-pressed") === "true";
  let wanted = "";
  let at = null;

  const lines = () => [...log.querySelectorAll("li[id]")];
  const numberOf = (line) => Number(line.id.slice(1));

  function press(button, pressed) {
    button.setAttribute("aria-pressed", String(pressed));
  }

  // Lines out of sight have a guessed height: when the last ones are drawn, the end may be elsewhere.
  function toEnd() {
    log.scrollTop = log.scrollHeight;
    requestAnimationFrame(() => (log.scrollTop = following ? log.scrollHeight : log.scrollTop));
  }

  function setFollow(on) {
    following = on;
    press(follow, on);
    if (on) toEnd();
  }

  function item(number, text) {
    const line = document.createElement("li");
    const link = document.createElement("a");
    const words = document.createElement("span");
    line.id = `L${number}`;
    const tone = TONES.find(([pattern]) => pattern.test(text));
    if (tone) line.className = `line-${tone[1]}`;
    link.href = `#L${number}`;
    link.tabIndex = -1;
    link.textContent = number;
    words.textContent = text; // never markup
    line.append(link, words);
    return line;
  }

  function gap(count) {
    const line = document.createElement("li");
    line.className = "gap";
    line.textContent = `${count} line${count === 1 ? "" : "s"} lost`;
    return line;
  }

  function add(piece) {
    const known = lines();
    let next = known.length ? numberOf(known.at(-1)) + 1 : piece.lines[0].number;
    for (const { number, text } of piece.lines) {
      if (number < next) continue;
      if (number > next) log.append(gap(number - next));
      const line = item(number, text);
      if (wanted && text.toLowerCase().includes(wanted)) line.classList.add("hit");
      log.append(line);
      next = number + 1;
    }
    while (log.childElementCount > MOST_LINES) log.firstElementChild.remove();
    document.getElementById("log-empty")?.remove();
    const last = document.getElementById("log-last");
    if (last) last.textContent = next - 1;
    if (following) toEnd();
    if (wanted) count();
  }

  function stream(address) {
    const source = new EventSource(address);
    source.addEventListener("log", (message) => add(JSON.parse(message.data)));
    source.addEventListener("ended", () => {
      source.close();
      delete log.dataset.stream;
      follow.hidden = true;
      const content = document.getElementById("content");
      if (content) htmx.trigger(content, "refresh");
    });
    addEventListener("pagehide", () => source.close(), { once: true });
  }

  function count() {
    const found = log.querySelectorAll("li.hit").length;
    hits.textContent = wanted ? `${found} line${found === 1 ? "" : "s"}` : "";
  }

  function search() {
    wanted = find.value.trim().toLowerCase();
    at?.classList.remove("at");
    at = null;
    for (const line of lines()) line.classList.toggle("hit", wanted !== "" && line.lastChild.textContent.toLowerCase().includes(wanted));
    count();
  }

  async function beyond() {
    const last = lines().at(-1);
    const query = new URLSearchParams({ text: find.value.trim(), first: last ? numberOf(last) + 1 : 1 });
    let { number } = await (await fetch(`${log.dataset.find}?${query}`)).json();
    if (number === null) {
      query.set("first", 1);
      ({ number } = await (await fetch(`${log.dataset.find}?${query}`)).json());
    }
    if (number === null || document.getElementById(`L${number}`)) return null;
    return `${log.dataset.path}?first=${Math.floor((number - 1) / PART_LINES) * PART_LINES + 1}#L${number}`;
  }

  async function step(by) {
    if (!wanted) return;
    const found = [...log.querySelectorAll("li.hit")];
    const next = found[at === null ? (by > 0 ? 0 : found.length - 1) : found.indexOf(at) + by];
    if (!next && by > 0) {
      const address = await beyond();
      if (address) location.assign(address);
    }
    const shown = next ?? found[by > 0 ? 0 : found.length - 1];
    if (!shown) return;
    setFollow(false);
    at?.classList.remove("at");
    at = shown;
    at.classList.add("at");
    at.scrollIntoView({ block: "center" });
  }

  follow.addEventListener("click", () => setFollow(!following));
  wrap.addEventListener("click", () => press(wrap, log.classList.toggle("wrap")));
  find.addEventListener("input", search);
  find.addEventListener("keydown", (key) => {
    if (key.key !== "Enter") return;
    key.preventDefault();
    step(key.shiftKey ? -1 : 1);
  });
  // Who scrolls up wants to read; who scrolls to the end wants to follow.
  log.addEventListener("wheel", () => {
    if (log.dataset.stream) setTimeout(() => setFollow(log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END), 50);
  });

  if (following) toEnd();
  if (log.dataset.stream) stream(log.dataset.stream);
})();
