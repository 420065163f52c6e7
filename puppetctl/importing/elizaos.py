"""elizaOS character files: `name`, `bio`, `lore`, `style`, `messageExamples`; JSON or a literal in TypeScript."""

import re
from typing import Any

from puppetctl.importing import dialogue, limits, texts
from puppetctl.importing.draft import Draft, Node
from puppetctl.importing.examples import Examples
from puppetctl.importing.macros import resolver

_SIGNS = (
    "lore",
    "messageExamples",
    "postExamples",
    "adjectives",
    "topics",
    "style",
    "modelProvider",
    "clients",
    "plugins",
    "system",
    "knowledge",
)
_FEWEST_SIGNS = 3
_USER = re.compile(r"\{\{(?:user|name)\d*\}\}|user\d*|human|you|anon(?:ymous)?")
_PLACEHOLDERS = frozenset(("{{agentname}}", "{{agent}}", "{{char}}", "assistant"))
_MODEL = "which model writes is this suite's setting: llm_provider and llm_config"
_LEFT = {
    "id": "ids of elizaOS are random; the persona's is made from its name",
    "modelProvider": _MODEL,
    "models": _MODEL,
    "imageModelProvider": "pictures are not made here",
    "imageVisionModelProvider": "pictures are not made here",
    "plugins": "is code of elizaOS",
    "clients": "where a character lives is set by its accounts here",
    "clientConfig": "is a setting of elizaOS",
    "templates": "is a prompt of elizaOS with its own placeholders",
    "twitterSpaces": "nobody speaks aloud here",
    "extends": "names a file of elizaOS",
    "people": "is not used by elizaOS either",
    "settings": "is a setting of elizaOS",
    "nft": "is an entry of a blockchain",
}


def recognises(content: Any) -> bool:
    """Tell whether something is a character of elizaOS."""
    if not isinstance(content, dict) or not isinstance(content.get("name"), str) or "bio" not in content:
        return False
    # A persona of ours has a personality, an agent of ZerePy has traits and a loop.
    if "personality" in content or "loop_delay" in content:
        return False
    return sum(name in content for name in _SIGNS) >= _FEWEST_SIGNS


def convert(draft: Draft) -> None:
    """Make a persona of a character."""
    root = draft.root
    draft.put("name", root.get("name"), limits.NAME, is_line=True)
    draft.resolve = resolver(draft.name)
    _identity(draft, root)
    bio = root.get("bio").items()
    if root.get("system"):
        _system(draft, root.get("system"))
    elif bio:
        draft.put("description", bio[0], limits.DESCRIPTION, is_line=True)
        bio = bio[1:]
    draft.join("personality.background", bio, limits.PROSE)
    draft.remember("initial_memory.core_memories", root.get("lore").items())
    draft.add("personality.traits", root.get("adjectives").items())
    draft.add("personality.interests", root.get("topics").items(), total=limits.PERSONA_BYTES)
    style = root.get("style")
    draft.join("personality.speaking_style", (*style.get("all").items(), *style.get("chat").items()), limits.PROSE)
    draft.join("style_guide.voice", style.get("post").items(), limits.PROSE)
    _knowledge(draft, root.get("knowledge"))
    _examples(draft, root)
    draft.persona.setdefault("llm_config", {})
    _sampling(draft, root.get("settings"))
    for name, why in _LEFT.items():
        root.get(name).leave(why)


def _identity(draft: Draft, root: Node) -> None:
    profile = root.get("twitterProfile")
    for node in (root.get("username"), profile.get("username"), profile.get("screenName")):
        if node and "id" not in draft.persona and (said := texts.line(node.text)):
            draft.set("id", said)
            node.take("id", note="as far as an id may have it")
        elif node:
            node.leave("the id is made from another name already")
    profile.leave("a profile is the network's")


def _system(draft: Draft, system: Node) -> None:
    """Take the system prompt as the description, which begins the prompt here, too, and goes on in the background.

    One that is longer takes the place of the whole prompt.
    """
    said = system.text
    head = texts.cut(said, limits.DESCRIPTION)
    rest = texts.line(said[len(head) :])
    if not said:
        return
    if not head or len(rest) > limits.PROSE:
        draft.set("custom_system_prompt", texts.cut_anywhere(said, limits.SYSTEM_PROMPT))
        system.take("custom_system_prompt", note="being long, takes the place of the whole prompt")
        return
    draft.set("description", head)
    if rest:
        draft.set("personality.background", rest)
    system.take("description", *(["personality.background"] if rest else []))


def _knowledge(draft: Draft, knowledge: Node) -> None:
    for node in knowledge.items():
        if not isinstance(node.value, dict):
            draft.know("knowledge", node)
            continue
        path = node.get("path") or node.get("directory")
        if content := node.get("content"):
            draft.know(texts.line(path.text) if path else "knowledge", content, named=path)
            node.leave("says how elizaOS keeps it")
        else:
            node.leave("names a file or folder: put what it says into initial_memory.knowledge_base")


def _examples(draft: Draft, root: Node) -> None:
    examples = Examples(draft)
    speech = resolver(draft.name, is_speech=True)
    own = _own_speakers(root, draft.name)
    for post in root.get("postExamples").items():
        examples.post(post, speech(draft.unresolved(post)))
    for conversation in _conversations(root):
        _conversation(draft, examples, conversation, own)


def _conversation(draft: Draft, examples: Examples, conversation: Node, own: set[str]) -> None:
    """Take what the character says, each with what it answers."""
    speech = resolver(draft.name, is_speech=True)
    before: Node | None = None
    for message in conversation.items():
        text = _text_of(message)
        if _folded(_speaker(message)) in own and (said := dialogue.speech(speech(draft.unresolved(text)))):
            about = speech(draft.unresolved(_text_of(before))) if before else ""
            asked = [_speaker(before), _text_of(before)] if before and about else []
            examples.reply([*asked, _speaker(message), text], about, said)
            before = None
        else:
            before = message
    for message in conversation.items():
        _text_of(message).leave("is answered by nobody of ours")
        _speaker(message).leave("says who speaks in what is left")
        message.leave("says what a plugin does")


def _text_of(message: Node) -> Node:
    content = message.get("content")
    return content.get("text") if isinstance(content.value, dict) else content


def _speaker(message: Node) -> Node:
    return message.get("user") or message.get("name")


def _conversations(root: Node) -> list[Node]:
    """Return the conversations; newer files have each in a group of its own."""
    return [one.get("examples") if isinstance(one.value, dict) else one for one in root.get("messageExamples").items()]


def _own_speakers(root: Node, name: str) -> set[str]:
    """Return what the character is called in conversations: by its name, or else as the only one who isn't a user."""
    speakers = {_folded(_speaker(message)) for one in _conversations(root) for message in one.items()}
    named = {who for who in speakers if who and not _USER.fullmatch(who)}
    own = named & {name.casefold().replace(" ", ""), *_PLACEHOLDERS}
    return own or (named if len(named) == 1 else set())


def _folded(speaker: Node) -> str:
    return speaker.raw.casefold().replace(" ", "")


def _sampling(draft: Draft, settings: Node) -> None:
    config = settings.get("modelConfig")
    for node in (config.get("temperature"), settings.get("temperature")):
        value = node.value
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2:
            draft.set("llm_config.temperature", value)
            node.take("llm_config.temperature")
    if not draft.persona["llm_config"]:
        del draft.persona["llm_config"]
    for node in (settings.get("model"), config):
        node.leave(_MODEL)
    settings.get("voice").leave("nobody speaks aloud here")
