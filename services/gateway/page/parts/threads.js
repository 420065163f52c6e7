// What belongs together in a log: the turns of a conversation, in their order and at their depth.

import { kindOf } from "./words.js";

const DEEPEST = 3;
const REPEATED = new Set(["failure", "pass"]);

/**
 * Returns threads, the one in which something happened last first: `{key, entries: [{activity, depth, parent}]}`, with
 * the entries of each in the order in which they were said. `parent` is the entry that is answered, where it is known.
 */
export function threadsOf(activities) {
  const byKey = new Map();
  // Newest first, so the first entry of a thread decides where it stands.
  for (const activity of activities) {
    const key = keyOf(activity);
    if (!byKey.has(key)) byKey.set(key, []);
    byKey.get(key).push(activity);
  }
  return [...byKey].map(([key, found]) => ({ key, entries: placed(found.reverse()) }));
}

/**
 * Returns threads with those folded into one, as its `like`, in which something failed, or was left, for the same reason:
 * of all such that follow each other with nothing said or done between them. The newest stands for them.
 */
export function folded(threads) {
  const shown = [];
  let run = new Map();
  for (const thread of threads) {
    const reason = repeatedReason(thread);
    if (reason === null) run = new Map();
    const newest = run.get(reason);
    if (newest) newest.like.push(thread);
    else shown.push({ ...thread, like: [] });
    if (reason !== null && !newest) run.set(reason, shown.at(-1));
  }
  // By its oldest it stays the same one while it happens again.
  return shown.map((thread) => ({ ...thread, key: thread.like.at(-1)?.key ?? thread.key }));
}

function repeatedReason({ entries: [{ activity }, ...others] }) {
  if (others.length || !REPEATED.has(kindOf(activity)) || !activity.reason) return null;
  // How long to wait, or which number of how many, makes it no other reason.
  return `${kindOf(activity)} ${activity.reason.replace(/\d+/g, "0")}`;
}

/** Returns what is the same for all turns of a conversation, as far as the log tells: that of the post which began it. */
function keyOf({ id, post, reply }) {
  return reply?.network_conversation_id || reply?.in_reply_to_network_post_id || post?.network_post_id || id;
}

function placed(activities) {
  const byPost = new Map();
  const entries = [];
  for (const activity of activities) {
    const parent = byPost.get(activity.reply?.in_reply_to_network_post_id) ?? null;
    const before = activity.reply ? entries.at(-1) : null;
    // What answers somebody who isn't here stands at the depth of the turn before it.
    const depth = parent ? Math.min(parent.depth + 1, DEEPEST) : before ? Math.max(before.depth, 1) : 0;
    const entry = { activity, depth, parent: parent?.activity ?? null };
    entries.push(entry);
    const own = activity.post?.network_post_id || activity.reply?.network_post_id;
    if (own) byPost.set(own, entry);
  }
  return entries;
}
