"""ZerePy's agents: `name`, `bio`, `traits`, `examples`, `config`, `tasks`."""

from typing import Any

from puppetctl.importing import limits
from puppetctl.importing.draft import Draft, Node
from puppetctl.importing.examples import Examples

_SIGNS = ("traits", "examples", "loop_delay", "config", "tasks", "example_accounts")
_FEWEST_SIGNS = 3
_SECONDS_PER_HOUR = 3_600
_PACE = 2.0
"""How much longer the longest pause is than the shortest: here a pause is drawn between two, and there it is one."""

_MAX_HOURS = 24.0 * 365
_MODELS = frozenset(
    (
        "openai",
        "anthropic",
        "xai",
        "together",
        "ollama",
        "eternalai",
        "galadriel",
        "hyperbolic",
        "groq",
        "gaia",
        "allora",
    )
)
_LEFT = {
    "example_accounts": "names accounts whose posts are examples there: put some into post_examples",
    "loop_delay": "is how often a loop turns there; here each behaviour has its own schedule",
    "tasks": "is how often which task is drawn there; here each behaviour has its own schedule",
    "use_time_based_weights": "belongs to the tasks",
    "time_based_multipliers": "belongs to the tasks",
}


def recognises(content: Any) -> bool:
    """Tell whether something is an agent of ZerePy."""
    return (
        isinstance(content, dict)
        and isinstance(content.get("name"), str)
        and isinstance(content.get("bio"), list | str)
        and "personality" not in content
        and "lore" not in content
        and sum(name in content for name in _SIGNS) >= _FEWEST_SIGNS
    )


def convert(draft: Draft) -> None:
    """Make a persona of an agent."""
    root = draft.root
    draft.put("name", root.get("name"), limits.NAME, is_line=True)
    bio = root.get("bio").items()
    if bio:
        draft.put("description", bio[0], limits.DESCRIPTION, is_line=True)
        draft.join("personality.background", bio[1:], limits.PROSE)
    draft.add("personality.traits", root.get("traits").items())
    examples = Examples(draft)
    for post in root.get("examples").items():
        examples.post(post, post.text)
    for connection in root.get("config").items():
        _connection(draft, connection)
    for name, why in _LEFT.items():
        root.get(name).leave(why)


def _connection(draft: Draft, connection: Node) -> None:
    kind = connection.get("name").raw
    if kind == "twitter":
        _pace(draft, connection.get("tweet_interval"))
        connection.leave("is a setting of ZerePy's connection")
    elif kind in _MODELS:
        connection.leave("which model writes is this suite's setting: llm_provider and llm_config")
    else:
        connection.leave("is a connection of ZerePy's")


def _pace(draft: Draft, interval: Node) -> None:
    """Take the pause between two posts, in seconds, as the shortest one."""
    if isinstance(interval.value, int | float) and not isinstance(interval.value, bool):
        hours = interval.value / _SECONDS_PER_HOUR
        if 0 < hours * _PACE <= _MAX_HOURS:
            draft.set("behavior.post_frequency.min_hours_between_posts", round(hours, 4) or 0.0001)
            draft.set("behavior.post_frequency.max_hours_between_posts", round(hours * _PACE, 4) or 0.0002)
            interval.take("behavior.post_frequency", note="as the shortest pause; the longest is twice as long")
