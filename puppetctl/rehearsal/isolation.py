"""What a rehearsal takes of the user's settings and personas, so that nothing real is in its reach. Pure."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from puppetctl.characters.personas import PersonaFile
from puppetctl.suite import SuiteError

LOCAL = "local"

# How the sandbox's model runs, and how much characters may answer: these are tried out, too.
_KEPT = (
    *(f"PUPPET_SANDBOX_LLM_{name}" for name in ("MODEL", "THREADS", "CONTEXT", "SLOTS")),
    *(f"PUPPET_AGENTS_REPLIES_A_DAY_TO_{name}" for name in ("ONE", "STRANGERS", "CHARACTERS")),
    "PUPPET_AGENTS_MODEL_CALLS_A_DAY_FOR_STRANGERS",
    "PUPPET_AGENTS_CONVERSATION_POSTS",
    "PUPPET_LLM_DEFAULT_MAX_TOKENS",
)


def isolated(
    environment: Mapping[str, str], folder: Path, provider: str, most_speed: float, *, is_alone: bool
) -> dict[str, str]:
    """Return the environment of a rehearsal in this folder: the machine's, and of the suite's settings some.

    Keys lie in the folder, too. Of the language models' settings there are those of the one that was asked for, if it
    isn't the sandbox's, which writes for the neighbours. Raises SuiteError for a name that no provider can have.
    """
    if not provider.replace("_", "").isalnum():
        raise SuiteError(f"--provider is {provider!r}: give one name, such as openai")
    own = {name: value for name, value in environment.items() if not name.upper().startswith(("PUPPET_", "OTEL_"))}
    own |= {name: environment[name] for name in _KEPT if name in environment}
    if provider != LOCAL:
        prefix = f"PUPPET_LLM_{provider.upper()}_"
        own |= {name: value for name, value in environment.items() if name.upper().startswith(prefix)}
    return own | {
        "XDG_CONFIG_HOME": str(folder / "config"),
        "PUPPET_LLM_PROVIDERS": provider if is_alone or provider == LOCAL else f"{provider},{LOCAL}",
        # Each limit is one of our hours, of which many of theirs pass in one.
        "PUPPET_SANDBOX_X_RATE_LIMIT_MULTIPLIER": str(max(1.0, most_speed)),
    }


def rehearsed(file: PersonaFile, provider: str) -> PersonaFile:
    """Return a persona that is written for by this provider, without its secrets, active, and with nobody asked.

    Its account and its wallet are the sandbox's.
    """
    persona: dict[str, Any] = copy.deepcopy(dict(file.persona))
    for name in ("twitter_credentials", "approval", "is_active"):
        persona.pop(name, None)
    if isinstance(wallet := persona.get("solana_integration"), dict):
        wallet.pop("private_key", None)
    chosen = persona.get("llm_provider")
    if isinstance(config := persona.get("llm_config"), dict) and str(chosen).strip().lower() != provider:
        # Another provider doesn't have it.
        config.pop("model", None)
    persona["llm_provider"] = provider
    return PersonaFile(file.path, persona)
