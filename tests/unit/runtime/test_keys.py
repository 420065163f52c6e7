"""Keys: what they seal and open, where they are kept, and how their file changes."""

import os
import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from services.runtime import private
from services.runtime.key_file import KeyFile
from services.runtime.key_folder import KeystoreError, data_folder_of, find_folder, folder_of
from services.runtime.keystore import Keystore
from services.runtime.sealing import SealingSettings


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys" / "trading.key")


def test_a_sealed_secret_opens_with_the_same_keys_only() -> None:
    keystore, other = (Keystore([Fernet.generate_key()]) for _ in range(2))
    sealed = keystore.seal("hush")
    assert "hush" not in sealed
    assert keystore.unseal(sealed) == "hush"
    with pytest.raises(ValueError, match="another key"):
        other.unseal(sealed)


def test_the_newest_key_seals_and_older_ones_open() -> None:
    new, old = Fernet.generate_key(), Fernet.generate_key()
    keystore, sealed = Keystore([new, old]), Keystore([old]).seal("hush")
    assert keystore.unseal(sealed) == "hush"
    assert not keystore.is_newest(sealed)
    assert keystore.is_newest(keystore.seal("hush"))
    assert Keystore([new]).unseal(keystore.seal("hush")) == "hush"


def test_a_key_file_is_made_once_for_its_owners_eyes_only(file: KeyFile) -> None:
    assert file.read() == []
    keys = file.create()
    assert file.create() == file.read() == keys
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert [item.name for item in file.path.parent.iterdir()] == ["trading.key"]


def test_two_replicas_that_start_together_keep_the_first_ones_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "trading.key", os.link

    def link_while_another_writes(draft: Path, target: Path) -> None:
        monkeypatch.undo()
        link(draft, target)
        # The other one, perhaps in its own container and with the same process number, saw no file either.
        private.write_new(path, b"theirs")

    monkeypatch.setattr(os, "link", link_while_another_writes)
    private.write_new(path, b"ours")
    assert path.read_bytes() == b"ours"
    assert list(tmp_path.iterdir()) == [path]


def test_a_new_key_stands_in_front_until_the_older_ones_are_forgotten(file: KeyFile) -> None:
    [first] = file.create()
    file.add()
    second, *rest = file.read()
    assert rest == [first]
    file.keep_newest()
    assert file.read() == [second]


def test_the_keys_of_another_place_are_taken_over_and_none_is_lost(file: KeyFile, tmp_path: Path) -> None:
    earlier, theirs = tmp_path / "trading.key", Fernet.generate_key()
    earlier.write_bytes(theirs)
    file.adopt(earlier)
    assert (file.read(), earlier.exists()) == ([theirs], False)
    # An old data folder is put back, with a key of its own: the newest one stays in front.
    other = Fernet.generate_key()
    for _ in range(2):
        earlier.write_bytes(other)
        file.adopt(earlier)
        assert (file.read(), earlier.exists()) == ([theirs, other], False)


def test_a_file_that_is_in_its_place_stays(file: KeyFile) -> None:
    [key] = file.create()
    file.adopt(file.path.parent / ".." / "keys" / "trading.key")
    assert file.read() == [key]


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short", pytest.param(Fernet.generate_key() + b"\nshort", id="second"), b"\xff\x00"]
)
def test_a_file_of_something_else_is_named_and_left_alone(file: KeyFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    for act in (file.read, file.create, file.add, file.keep_newest):
        with pytest.raises(KeystoreError, match="something else than Fernet keys") as refused:
            act()
        assert str(file.path) in str(refused.value)
    assert file.path.read_bytes() == content


def test_a_draft_of_a_writer_that_was_killed_is_removed(file: KeyFile) -> None:
    file.create()
    for name in ("trading.0123456789abcdef", "social.0123456789abcdef", "trading.backup"):
        (file.path.parent / name).write_bytes(b"")
    file.add()
    assert {path.name for path in file.path.parent.iterdir()} == {
        *("trading.key", "social.0123456789abcdef", "trading.backup")
    }


def test_keys_in_use_are_known_to_be(file: KeyFile) -> None:
    file.create()
    with file.in_use(), file.in_use(), file.unused() as is_unused:
        assert not is_unused
    with file.unused() as is_unused:
        assert is_unused


def test_an_error_of_the_service_that_uses_the_keys_stays_its_own(file: KeyFile) -> None:
    file.create()
    with pytest.raises(OSError, match="mine"), file.in_use():
        raise OSError("mine")


def test_each_data_folder_has_a_folder_of_keys_elsewhere_and_keeps_it_when_it_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    one, other = tmp_path / "one", tmp_path / "other"
    assert find_folder(one) is None
    keys = folder_of(one)
    assert keys != folder_of(other)
    assert keys.is_relative_to(tmp_path / "config" / "puppet-engine" / "keys")
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700
    assert data_folder_of(keys) == one
    one.rename(tmp_path / "moved")
    assert folder_of(tmp_path / "moved") == find_folder(tmp_path / "moved") == keys


@pytest.mark.parametrize("identity", ["", "../../other", "/etc", "\x00", "g" * 32])
def test_an_id_that_is_none_leads_nowhere(tmp_path: Path, identity: str) -> None:
    (tmp_path / "keystore.id").write_text(identity)
    assert find_folder(tmp_path) is None
    with pytest.raises(KeystoreError, match="holds no id"):
        folder_of(tmp_path)


def test_a_folder_that_cannot_be_made_is_named_with_the_setting(tmp_path: Path) -> None:
    class Settings(SealingSettings):
        model_config = SealingSettings.model_config | {"env_prefix": "PUPPET_TRADING_"}

    (tmp_path / "config").write_text("")
    settings = Settings(data_dir=tmp_path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
        with pytest.raises(KeystoreError, match="PUPPET_TRADING_KEY_DIR names another folder"):
            settings.key_file("trading")
    taken = Settings(data_dir=tmp_path, key_dir=tmp_path / "config")
    with pytest.raises(KeystoreError, match=r"config can't be used for keys: .+; PUPPET_TRADING_KEY_DIR names another"):
        taken.key_file("trading")
    named = Settings(data_dir=tmp_path, key_dir=tmp_path / "mine")
    assert named.key_file("trading").path == tmp_path / "mine" / "trading.key"


def test_keys_that_are_set_come_newest_first_and_a_wrong_one_is_named_by_its_variable() -> None:
    new, old = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    keystore = SealingSettings.model_validate({"keystore_key": f"{new}, {old},"}).given_keys()
    assert keystore is not None
    assert keystore.unseal(Keystore([old]).seal("hush")) == "hush"
    assert Keystore([new]).unseal(keystore.seal("hush")) == "hush"
    assert SealingSettings().given_keys() is None
    with pytest.raises(KeystoreError, match="KEYSTORE_KEY: each must be 32 bytes") as refused:
        SealingSettings.model_validate({"keystore_key": f"{new},wrong-but-secret"}).given_keys()
    assert "wrong-but-secret" not in str(refused.value)
