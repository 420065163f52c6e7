"""Small characters in the formats of other projects, and what an import made of one."""

import base64
import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from puppetctl.importing import registry
from puppetctl.importing.registry import Imported
from puppetctl.importing.sources import Document, documents
from services.agents.domain.persona import read_persona, unknown_fields


def elizaos(**changes: Any) -> dict[str, Any]:
    """Return a character of elizaOS."""
    return {
        "name": "Wren",
        "username": "wren_bird",
        "modelProvider": "openai",
        "clients": ["twitter"],
        "plugins": ["@elizaos/plugin-node"],
        "settings": {"secrets": {"OPENAI_API_KEY": "sk-0123456789abcdef0123"}, "voice": {"model": "en_GB"}},
        "system": "Write as Wren, a small bird with large opinions.",
        "bio": ["Nests in a drainpipe", "sings before dawn"],
        "lore": ["once outstared a cat", "knows every crumb on the High Street"],
        "knowledge": ["Seeds keep best when they are dry.", {"path": "notes/trees.md"}],
        "topics": ["crumbs", "weather"],
        "adjectives": ["bold", "tiny"],
        "style": {"all": ["short lines"], "chat": ["answers at once"], "post": ["begins with the weather"]},
        "postExamples": ["drizzle. excellent worms.", "the cat is late. suspicious."],
        "messageExamples": [
            [
                {"user": "{{user1}}", "content": {"text": "are you cold?"}},
                {"user": "Wren", "content": {"text": "I am round, {{user1}}. It helps.", "action": "NONE"}},
            ]
        ],
        **changes,
    }


def zerepy(**changes: Any) -> dict[str, Any]:
    """Return an agent of ZerePy."""
    return {
        "name": "Moth",
        "bio": ["You are Moth, who likes lamps.", "You are easily led."],
        "traits": ["curious", "soft"],
        "examples": ["found a lamp. it was the moon.", "going towards it again."],
        "example_accounts": ["lamps"],
        "loop_delay": 900,
        "config": [
            {"name": "twitter", "timeline_read_count": 10, "tweet_interval": 5400},
            {"name": "openai", "model": "gpt-4o"},
            {"name": "goat", "plugins": [{"args": {"api_key": "0123456789"}}]},
        ],
        "tasks": [{"name": "post-tweet", "weight": 1}],
        "use_time_based_weights": False,
        **changes,
    }


def card(version: int = 2, **changes: Any) -> dict[str, Any]:
    """Return a character card of version 1, 2 or 3."""
    data = {
        "name": "Ember",
        "description": "{{char}} is a young dragon. {{char}} guards {{user}}'s stove.",
        "personality": "warm, proud, easily hurt",
        "scenario": "{{user}} has lit the stove.",
        "first_mes": '*She uncurls.* "You took your time, {{user}}!" *A spark falls.*',
        "mes_example": '<START>\n{{user}}: Are you hungry?\n{{char}}: *nods* "I could eat a log."\n{{char}}: "Two."',
    }
    newer = {
        "creator_notes": "Be kind to her.",
        "system_prompt": "Write as {{char}}.",
        "post_history_instructions": "Stay in the scene.",
        "alternate_greetings": ['"Is it morning?"'],
        "tags": ["dragon"],
        "creator": "somebody",
        "character_version": "1",
        "extensions": {"talkativeness": "0.9", "fav": False},
        "character_book": {
            "name": "Hearth",
            "extensions": {},
            "entries": [
                {
                    "keys": ["coal"],
                    "content": "Coal is bread to dragons.",
                    "enabled": True,
                    "insertion_order": 1,
                    "name": "coal",
                },
                {"keys": ["water"], "content": "Water hurts.", "enabled": False, "insertion_order": 2},
            ],
        },
    }
    if version == 1:
        return {**data, **changes}
    spec = {"spec": f"chara_card_v{version}", "spec_version": f"{version}.0"}
    return {**spec, "data": {**data, **newer, **changes}}


def persona(**changes: Any) -> dict[str, Any]:
    """Return a persona of Puppet Engine's first version."""
    return {
        "id": "quill-agent",
        "name": "Quill",
        "description": "A hedgehog who writes reviews of gardens.",
        "llm_provider": "grok",
        "twitter_credentials": {"apiKey": "k", "apiKeySecret": "s", "username": "quill", "password": "p"},
        "personality": {
            "traits": ["prickly"],
            "values": ["order"],
            "speaking_style": "Short.",
            "interests": ["hedges"],
        },
        "style_guide": {
            "voice": "first_person",
            "formatting": {"uses_hashtags": False, "capitalization": "Regular, with occasional all lowercase"},
            "topics_to_avoid": ["badgers"],
        },
        "initial_memory": {
            "core_memories": ["I was born in a compost heap."],
            "relationships": {"coby-agent": {"sentiment": 0.5, "notes": "Loud."}},
            "recent_events": [{"description": "A gate was left open."}],
            "knowledge_base": {"goals": ["review every garden"]},
        },
        "behavior": {
            "post_frequency": {
                "min_hours_between_posts": 0.33,
                "max_hours_between_posts": 1,
                "peak_posting_hours": [9, 3],
            },
            "interaction_patterns": {"reply_probability": 1.0},
            "trading_behavior": {
                "allowed_tokens": {"always_tradable": ["So11111111111111111111111111111111111111112"]}
            },
        },
        "solana_integration": {
            "wallet_address": "",
            "private_key": "",
            "network": "devnet",
            "trading_enabled": True,
        },
        "agent_kit_integration": {"enabled": True, "methods": {"allowed": ["getTokenInfo"]}},
        **changes,
    }


SOUL = {
    "SOUL.md": """# Pim

A lighthouse mouse.

## Who I Am

Born in a lamp. Raised by keepers.

## Boundaries

- Never bites.

## Interests

- **Cheese** — hard ones, above all.
- Fog.

## Opinions

- Owls are overrated. They look surprised by everything.

## Tools

Run `ls` first.
""",
    "STYLE.md": """# Style

## Voice

Squeaks, in short lines.

## Words to avoid

- `trap`
""",
    "IDENTITY.md": "- **Name:** Pim\n- **Vibe:** small, brave, nosy\n- **Avatar:** pim.png\n",
    "MEMORY.md": "# Memory\n\n- I once rang the fog bell by falling on it.\n",
    "examples/good-outputs.md": "# Good\n\n## Short\n\n> the lamp is on. so am i.\n\nCalibration: lower case.\n",
    "examples/bad-outputs.md": "# Bad\n\n> As a mouse, I am excited to announce.\n",
    "AGENTS.md": "# Agents\n\nRead the calendar.\n",
}
"""The files of a soul, by their names."""


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files into a folder, and return it."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(*chunks: bytes) -> bytes:
    """Return a picture of one pixel with more chunks."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + body + chunk(b"IEND", b"")


def text_chunk(keyword: str, content: Any) -> bytes:
    """Return a card as it lies in a PNG."""
    packed = base64.b64encode(json.dumps(content).encode())
    return chunk(b"tEXt", keyword.encode() + b"\0" + packed)


def imported(content: Any, name: str = "", place: str = "") -> Imported:
    """Return what is made of something; whatever it is, each value of it is told of once, and the service takes it."""
    document = Document("test", place, content)
    form = registry.recognise(document)
    assert form is not None
    done = registry.convert(document, form, name)
    check(done, content)
    return done


def imported_file(path: Path) -> Imported:
    """Return what is made of the one character in a file or folder."""
    (document,) = documents(path)
    return imported(document.content, place=document.place)


def check(done: Imported, content: Any) -> None:
    """Fail when a value isn't told of exactly once, or the agents service would refuse the persona."""
    sources = [row.source for row in done.rows]
    assert len(sources) == len(set(sources)) == count_values(content)
    assert all(row.is_taken or row.note for row in done.rows)
    read_persona(done.persona)
    assert unknown_fields(done.persona) == {}


def count_values(content: Any) -> int:
    """Return how many values something has, those that are empty counted."""
    if isinstance(content, Mapping) and content:
        return sum(map(count_values, content.values()))
    if isinstance(content, list) and content:
        return sum(map(count_values, content))
    return 1


def notes(done: Imported) -> dict[str, str]:
    """Return why values were left, by their paths."""
    return {row.source: row.note for row in done.rows if not row.is_taken}


def targets(done: Imported) -> dict[str, str]:
    """Return where values went, by their paths."""
    return {row.source: ", ".join(row.targets) for row in done.rows if row.is_taken}
