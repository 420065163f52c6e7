// Words for what the API says in codes, and what is done with words of others.

const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Returns an enum's value without its prefix, in small letters: `ACTIVITY_KIND_POST` is `post`. */
export function plain(value, prefix = "") {
  return String(value ?? "").replace(prefix, "").toLowerCase().replaceAll("_", " ");
}

/** Returns the kind of an activity in one word. */
export function kindOf(activity) {
  return plain(activity.kind, "ACTIVITY_KIND_");
}

/** Returns the words that a character published, or that it would; empty where there are none. */
export function saidIn(activity) {
  return activity.post?.text ?? activity.reply?.text ?? activity.draft?.words ?? "";
}

/** Returns what a character did, in words that follow its name. */
export function deed(activity) {
  switch (kindOf(activity)) {
    case "post":
      if (activity.post?.swap) return "posts about a trade";
      return activity.post?.addressed_handle ? "says" : "posts";
    case "reply":
      return "replies";
    case "trade":
      return "trades";
    case "draft":
      return "would like to say";
    default:
      return activity.summary;
  }
}

const TRIGGERS = {
  SCHEDULE: "It was due by its schedule",
  REQUEST: "Somebody asked for it",
  MENTION: "Somebody mentioned it",
  TRADE: "It had traded, and tells of it",
  EVENT: "It heard of an event",
};

/** Returns what an activity was done for. */
export function occasion(trigger) {
  return TRIGGERS[String(trigger ?? "").replace("ACTIVITY_TRIGGER_", "")] ?? "";
}

/** Returns reasons as the services join them, one by one. */
export function reasons(text) {
  return String(text ?? "").split("; ").filter(Boolean);
}

/** Returns those reasons that people care for at a glance: not how the words were chosen, nor what was signed, nor codes. */
export function motives(text) {
  return reasons(text).filter((part) => !/^(best of|signature|remembers) ?/.test(part)).map((part) => part.replace(/^[A-Z]+(_[A-Z]+)*: /, ""));
}

const ORIGINS = {
  self: "its own",
  operator: "from its operator",
  agent: "from another character",
  external: "from a stranger",
};

/** Returns where a memory comes from. */
export function origin(provenance) {
  return ORIGINS[plain(provenance, "PROVENANCE_")] ?? "";
}

/** Returns a count with its noun: `1 post`, `2 posts`. */
export function counted(count, noun, nouns = `${noun}s`) {
  return `${Number(count).toLocaleString()} ${Number(count) === 1 ? noun : nouns}`;
}

/** Returns base units as whole ones, with few digits: 36000000 of 9 decimals is `0.036`. */
export function amount(units, decimals = 9) {
  const value = Number(units) / 10 ** decimals;
  if (!value) return "0";
  const size = Math.abs(value);
  return value.toLocaleString(undefined, { maximumFractionDigits: size >= 1000 ? 0 : size >= 1 ? 3 : 6, maximumSignificantDigits: size < 1 ? 3 : undefined });
}

/** Returns lamports as SOL with a sign. */
export function gain(lamports, unit = " SOL") {
  const value = Number(lamports ?? 0);
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${amount(Math.abs(value))}${unit}`;
}

/** Returns the class of a gain or a loss. */
export function tone(lamports) {
  return Number(lamports) > 0 ? "up" : Number(lamports) < 0 ? "down" : "";
}

/** Returns a long id with its middle left out. */
export function short(id) {
  return id.length > 12 ? `${id.slice(0, 4)}…${id.slice(-4)}` : id;
}

/** Returns a text as signs, each of which is one for who reads it: an emoji of several characters isn't cut. */
export function signs(text) {
  return [...GRAPHEMES.segment(text)].map(({ segment }) => segment);
}

/** Returns a text that has at most so many signs. */
export function shortened(text, limit) {
  const all = signs(text);
  return all.length > limit ? `${all.slice(0, limit - 1).join("")}…` : text;
}
