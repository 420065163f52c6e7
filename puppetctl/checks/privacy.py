"""What the doctor finds about files: whether others can read them, and whether keys lie apart from what they seal."""

import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from puppetctl.characters.provision import has_own_secrets
from puppetctl.checks.findings import Finding, Mark
from puppetctl.suite import prefix
from services.runtime.key_folder import KeystoreError, all_folders, data_folder_of, find_folder
from services.runtime.private import is_open_to_others

_SEALING = ("social", "trading")


def private_files(data_dir: Path, personas: Path | None, environment: Mapping[str, str]) -> list[Finding]:
    """Return what there is to say about the data folder, the keys and the personas' files."""
    findings = _folder("data files", data_dir)
    for service in _SEALING:
        findings += _key(service, data_dir, environment)
    return [*findings, *_strays(data_dir), *(_personas(personas) if personas else ())]


def _folder(subject: str, folder: Path) -> list[Finding]:
    """Return what others can read or own in a folder; nothing when it isn't there."""
    try:
        owner = folder.stat().st_uid
    except OSError:
        return []
    is_open: list[Path] = []
    foreign: list[Path] = []
    closed: list[Path] = []
    for path in (folder.resolve(), *_below(folder.resolve(), closed)):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        if is_open_to_others(status):
            is_open.append(path)
        if status.st_uid != owner:
            foreign.append(path)
    findings = []
    where = shlex.quote(str(folder))
    if is_open:
        words = f"other users of this machine can reach {_some(is_open)}"
        findings.append(Finding(Mark.BAD, subject, words, f"`chmod -R go= {where}`"))
    if foreign:
        words = f"{_some(foreign)} does not belong to the owner of {folder}"
        findings.append(Finding(Mark.BAD, subject, words, "delete it, or change its owner"))
    if closed:
        findings.append(Finding(Mark.BAD, subject, f"{_some(closed)} can't be looked into", "change its owner"))
    return findings or [Finding(Mark.OK, subject, f"{folder} is for its owner only")]


def _below(folder: Path, closed: list[Path]) -> Iterator[Path]:
    """Yield everything in a folder, and keep the folders that can't be read."""
    for parent, folders, files in os.walk(folder, onerror=lambda error: closed.append(Path(error.filename))):
        yield from (Path(parent, name) for name in (*folders, *files))


def _key(service: str, data_dir: Path, environment: Mapping[str, str]) -> list[Finding]:
    subject = f"key of {service}"
    if (data_dir / f"{service}.key").exists():
        words = f"{service}.key lies beside the database that it seals"
        return [Finding(Mark.BAD, subject, words, f"start {service} once, and it is moved")]
    if environment.get(f"{prefix(service)}KEYSTORE_KEY"):
        return [Finding(Mark.OK, subject, f"in {prefix(service)}KEYSTORE_KEY")]
    given = environment.get(f"{prefix(service)}KEY_DIR")
    try:
        folder = Path(given) if given else find_folder(data_dir)
    except KeystoreError as error:
        return [Finding(Mark.BAD, subject, str(error), f"set {prefix(service)}KEY_DIR")]
    if not (data_dir / f"{service}.db").exists() and not environment.get(f"{prefix(service)}DATABASE_URL"):
        return []
    if folder is None or not (folder / f"{service}.key").exists():
        words = f"{folder / f'{service}.key'} is missing" if folder else f"{data_dir} doesn't say where it is"
        remedy = "put it back from a copy: without it what the database holds sealed is lost"
        return [Finding(Mark.BAD, subject, words, remedy)]
    if folder.resolve().is_relative_to(data_dir.resolve()):
        words = f"{folder} is in the data folder: a copy of that opens what is sealed"
        return [Finding(Mark.BAD, subject, words, f"set {prefix(service)}KEY_DIR to a folder elsewhere")]
    return [_key_file(subject, service, folder)]


def _key_file(subject: str, service: str, folder: Path) -> Finding:
    path = folder / f"{service}.key"
    exposed = [item for item in (folder, path) if is_open_to_others(item.stat())]
    if exposed:
        words = f"other users of this machine can reach {_some(exposed)}"
        return Finding(Mark.BAD, subject, words, _chmod(exposed))
    try:
        count = len(path.read_bytes().split())
    except OSError as error:
        return Finding(Mark.BAD, subject, f"{path} can't be read: {error.strerror}", "change its owner")
    if count > 1:
        words = f"{path} holds {count} keys: `puppetctl keys forget {service}` keeps the newest only"
        return Finding(Mark.NOTE, subject, words)
    return Finding(Mark.OK, subject, f"{path}, apart from its database")


def _strays(data_dir: Path) -> list[Finding]:
    """Return the folders of keys whose data folder is gone, or has another id by now."""
    try:
        own, folders = find_folder(data_dir), sorted(all_folders().glob("*"))
    except (KeystoreError, OSError):
        return []
    strays = []
    for folder in folders:
        owner = data_folder_of(folder)
        if folder != own and owner is not None and find_folder(owner) != folder:
            strays.append(folder)
    if not strays:
        return []
    words = f"{_some(strays)} belongs to no data folder where it was: delete it when its data folder is gone for good"
    return [Finding(Mark.NOTE, "other keys", words)]


def _personas(folder: Path) -> list[Finding]:
    exposed = [path for path in sorted(folder.glob("*.json")) if is_open_to_others(path.stat()) and _has_secrets(path)]
    if not exposed:
        return []
    words = f"other users of this machine can read the secrets in {_some(exposed)}"
    return [Finding(Mark.NOTE, "personas", words, _chmod(exposed))]


def _has_secrets(path: Path) -> bool:
    try:
        persona = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(persona, dict) and has_own_secrets(persona)


def _chmod(paths: Sequence[Path]) -> str:
    return f"`chmod go= {' '.join(shlex.quote(str(path)) for path in paths)}`"


def _some(paths: Sequence[Path]) -> str:
    more = len(paths) - 1
    return f"{paths[0]}, and {more} more" if more else str(paths[0])
