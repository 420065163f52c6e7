// Shortcuts for those who keep their hands on the keys: `g` and a letter goes somewhere, `j` and `k` go through entries.

const PLACES = { f: "feed", i: "inbox", c: "characters", t: "trades", b: "money" };
const PAIR_MS = 1_000;

/** Listens for shortcuts, for good. */
export function shortcuts() {
  let began = 0;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (began && event.timeStamp - began < PAIR_MS && PLACES[event.key]) {
      location.hash = `#/${PLACES[event.key]}`;
      event.preventDefault();
    } else if (event.key === "j" || event.key === "k") {
      if (step(event.key === "j" ? 1 : -1)) event.preventDefault();
    } else if (event.key === "/") {
      const field = document.querySelector("input[type=search]");
      field?.focus();
      if (field) event.preventDefault();
    }
    began = event.key === "g" ? event.timeStamp : 0;
  });
}

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

function step(by) {
  const entries = [...document.querySelectorAll("[data-step], .entry")];
  if (!entries.length) return false;
  const at = entries.findIndex((entry) => entry.contains(document.activeElement));
  const next = entries[Math.min(entries.length - 1, Math.max(0, at + by))];
  next.tabIndex = -1;
  next.focus();
  return true;
}
