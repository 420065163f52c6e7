"""Character cards of SillyTavern and its kin: V1, V2 and V3, from JSON, PNG or CHARX.

What a card may say in which field: the specifications `chara_card_v2` and `chara_card_v3`.
"""

import re
from collections.abc import Sequence
from typing import Any

from puppetctl.importing import dialogue, limits, texts
from puppetctl.importing.draft import Draft, Node
from puppetctl.importing.examples import GREETING, Examples
from puppetctl.importing.macros import resolver

_SIGNS = ("description", "personality", "scenario", "first_mes", "mes_example")
_FEWEST_SIGNS = 4
_DECORATOR = re.compile(r"^@@+(\w+)[^\n]*(?:\n|$)", re.MULTILINE)
_DEFAULT_TALKATIVENESS = 0.5
_FOR_PEOPLE = "is for people who choose a card, and for no prompt"
_SETTING = "is a setting of a chat's front end"
_LEFT = {
    "creator_notes": _FOR_PEOPLE,
    "creator_notes_multilingual": _FOR_PEOPLE,
    "creator": _FOR_PEOPLE,
    "creatorcomment": _FOR_PEOPLE,
    "character_version": _FOR_PEOPLE,
    "tags": _FOR_PEOPLE,
    "source": _FOR_PEOPLE,
    "creation_date": _FOR_PEOPLE,
    "modification_date": _FOR_PEOPLE,
    "create_date": _FOR_PEOPLE,
    "post_history_instructions": "tells a chat's model what to do after its history, which no post has",
    "group_only_greetings": "opens a chat of several characters",
    "assets": "is a picture or sound",
    "avatar": "is a picture",
    "extensions": _SETTING,
}
_SAID_TWICE = "is said in data, which counts"


def recognises(content: Any) -> bool:
    """Tell whether something is a character card."""
    if not isinstance(content, dict):
        return False
    data = content.get("data")
    if str(content.get("spec", "")).startswith("chara_card_v"):
        return isinstance(data, dict) and isinstance(data.get("name"), str)
    return isinstance(content.get("name"), str) and sum(name in content for name in _SIGNS) >= _FEWEST_SIGNS


def convert(draft: Draft) -> None:
    """Make a persona of a card."""
    root = draft.root
    has_data = str(root.get("spec").value or "").startswith("chara_card_v")
    card = root.get("data") if has_data else root
    draft.put("name", card.get("name"), limits.NAME, is_line=True)
    if nickname := texts.line(card.get("nickname").text):
        card.get("nickname").take("name", note="is what the texts call the character")
    own = nickname or draft.name
    draft.resolve = resolver(own)
    examples = Examples(draft)
    _portrait(draft, card, examples, own)
    _dialogues(draft, card, examples, own)
    if said := card.get("scenario").text:
        draft.remember_text("initial_memory.recent_events", card.get("scenario"), said)
    _book(draft, card.get("character_book"), own)
    _extensions(draft, card.get("extensions"))
    for name, why in _LEFT.items():
        card.get(name).leave(why)
    for name in ("spec", "spec_version"):
        root.get(name).leave("says which format it is")
    if has_data:
        for name, node in root.fields():
            node.leave(_LEFT.get(name, _SAID_TWICE if name in card.value else _SETTING))
    else:
        for name in ("talkativeness", "fav", "chat", "metadata"):
            root.get(name).leave(_SETTING)


def _portrait(draft: Draft, card: Node, examples: Examples, own: str) -> None:
    """Take who the character is: in fields as far as it fits, and else as the whole prompt, as a chat shows it."""
    description, personality, system = (card.get(name) for name in ("description", "personality", "system_prompt"))
    prose, dialogues = dialogue.split(draft.unresolved(description), own)
    prose = draft.resolve(prose).strip()
    found = examples.answers(_resolved(dialogues, own))
    note = f"with {len(found)} of its dialogues' lines as examples" if found else ""
    note_prompt = card.get("extensions", "depth_prompt", "prompt")
    if len(prose) <= limits.PROSE and len(system.raw) <= limits.DESCRIPTION:
        draft.put("description", system, limits.DESCRIPTION)
        if prose:
            draft.set("personality.background", prose)
            description.take("personality.background", *found, note=note)
        if entries := texts.listed(personality.text):
            draft.add_text("personality.traits", personality, entries, limits.PORTRAIT_ITEM, limits.PORTRAIT_LIST)
        else:
            draft.join("personality.speaking_style", [personality], limits.PROSE)
        draft.join("personality.speaking_style", [note_prompt], limits.PROSE)
    else:
        parts = [(system, system.text), (description, prose), (personality, personality.text)]
        parts.append((note_prompt, note_prompt.text))
        _whole_prompt(draft, [(node, said) for node, said in parts if said], description, found)
    if found:
        description.take(*found, note=note)


def _whole_prompt(draft: Draft, parts: Sequence[tuple[Node, str]], description: Node, found: Sequence[str]) -> None:
    """Take what is too long for fields as the prompt that takes the place of all of them."""
    whole = "\n\n".join(said for _, said in parts)
    kept = texts.cut_anywhere(whole, limits.SYSTEM_PROMPT)
    why = "being long, takes the place of the whole prompt"
    if len(kept) < len(whole):
        why += f", which is cut to {len(kept):,} of {len(whole):,} characters"
    draft.set("custom_system_prompt", kept)
    for node, _ in parts:
        node.take("custom_system_prompt", *(found if node is description else ()), note=why)


def _dialogues(draft: Draft, card: Node, examples: Examples, own: str) -> None:
    example = card.get("mes_example")
    prose, dialogues = dialogue.split(draft.unresolved(example), own)
    if found := examples.answers(_resolved(dialogues, own)):
        example.take(*found, note="the character's words, without the story around them")
    elif prose:
        example.leave("has no line that is marked as the character's, or none that is short enough")
    example.leave("has no words of the character, or none that is short enough")
    speech = resolver(own, is_speech=True)
    for greeting in (card.get("first_mes"), *card.get("alternate_greetings").items()):
        if said := draft.unresolved(greeting):
            if words := dialogue.greeting(speech(said), limits.EXAMPLE):
                examples.reply([greeting], GREETING, words, "the character's words, as an answer to a hello")
            else:
                greeting.leave("tells how a chat begins, in no words of the character")


def _resolved(dialogues: list[list[dialogue.Turn]], own: str) -> list[tuple[str, str]]:
    speech = resolver(own, is_speech=True)
    return [(speech(about), speech(said)) for one in dialogues for about, said in dialogue.exchanges(one)]


def _book(draft: Draft, book: Node, own: str) -> None:
    """Take a lorebook as knowledge: each entry under its name, with the book's in front."""
    title = texts.line(book.get("name").text) or "lorebook"
    entries = book.get("entries")
    for entry in [node for _, node in entries.fields()] or entries.items():
        if isinstance(entry.value, dict):
            _entry(draft, entry, title, own)
    if "knowledge_base" in draft.persona.get("initial_memory", {}):
        book.get("name").take("initial_memory.knowledge_base", note="is in the headings")
    book.leave("says when a chat shows its lorebook")


def _entry(draft: Draft, entry: Node, title: str, own: str) -> None:
    content = entry.get("content")
    said = draft.unresolved(content)
    decorators = {match[1] for match in _DECORATOR.finditer(said)}
    if entry.get("enabled").value is False or entry.get("disable").value is True or "dont_activate" in decorators:
        entry.leave("is switched off")
        return
    keys = [key for key in (entry.get("keys") or entry.get("key")).items() if isinstance(key.value, str)]
    names = [entry.get("name"), entry.get("comment"), *keys[:1]]
    named = next((node for node in names if node and texts.line(node.text)), None)
    heading = f"{title}: {texts.line(named.text)}" if named else title
    prose, dialogues = dialogue.split(_DECORATOR.sub("", said), own)
    speech = resolver(own, is_speech=True)
    spoken = [dialogue.speech(speech(turn.text)) for one in dialogues for turn in one if turn.is_own]
    known = "\n\n".join(part for part in (draft.resolve(prose).strip(), *spoken) if part)
    if known:
        draft.know(heading, content, known, named)
    entry.leave("says when a chat shows an entry of a lorebook")


def _extensions(draft: Draft, extensions: Node) -> None:
    talkativeness = extensions.get("talkativeness")
    try:
        value = float(talkativeness.value)
    except (TypeError, ValueError):
        return
    if 0 <= value <= 1 and value != _DEFAULT_TALKATIVENESS:
        draft.set("behavior.interaction_patterns.reply_probability", value)
        talkativeness.take("behavior.interaction_patterns.reply_probability")
    else:
        talkativeness.leave("is what every card has that nobody set")
