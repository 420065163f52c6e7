"""Every proto says what its code is called in each language, and no two files are written to the same place."""

import importlib
import keyword
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileOptions

from tests.conftest import ROOT

PROTOS = ROOT / "protos"
GO_MODULE = "puppetengine.dev/puppet"
"""Where Go looks for the code; the owner may choose another one before the first publication."""


def file_of(path: Path) -> FileDescriptor:
    module = importlib.import_module(".".join(path.relative_to(PROTOS).with_suffix("").parts) + "_pb2")
    descriptor: FileDescriptor = module.DESCRIPTOR
    return descriptor


FILES = [file_of(path) for path in sorted((PROTOS / "puppet").rglob("*.proto"))]
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)


def options_of(file: FileDescriptor) -> FileOptions:
    options: FileOptions = file.GetOptions()
    return options


@every_file
def test_a_file_is_named_after_its_package_in_every_language(file: FileDescriptor) -> None:
    _puppet, name, version = file.package.split(".")
    options, pascal = options_of(file), [part.capitalize() for part in file.package.split(".")]

    assert options.go_package == f"{GO_MODULE}/{name}/{version};{name}{version}"
    assert options.java_package == f"dev.puppetengine.{name}.{version}"
    assert options.java_multiple_files
    assert options.java_outer_classname == _pascal(Path(file.name).stem) + "Proto"
    assert options.csharp_namespace == ".".join(pascal)
    assert options.php_namespace == "\\".join(pascal)
    assert options.php_metadata_namespace == "\\".join([*pascal, "GPBMetadata"])
    assert options.ruby_package == "::".join(pascal)
    assert len(options.objc_class_prefix) == 4, "Apple keeps prefixes of two and three letters for itself"


@pytest.mark.parametrize(
    "option",
    [
        lambda options: options.go_package,
        lambda options: options.java_package,
        lambda options: options.csharp_namespace,
        lambda options: options.php_namespace,
        lambda options: options.ruby_package,
        lambda options: options.objc_class_prefix,
    ],
    ids=["go", "java", "csharp", "php", "ruby", "objc"],
)
def test_packages_stay_apart(option: Callable[[FileOptions], str]) -> None:
    assert len({option(options_of(file)) for file in FILES}) == len({file.package for file in FILES})


def test_no_two_files_have_the_same_name() -> None:
    # C# is written into one folder, into files that are called after the protos alone.
    names = Counter(_pascal(Path(file.name).stem) for file in FILES)
    assert [name for name, number in names.items() if number > 1] == []


@every_file
def test_no_field_is_called_what_python_keeps_for_itself(file: FileDescriptor) -> None:
    messages = list(file.message_types_by_name.values())
    names = {field.name for message in messages for field in message.fields}
    assert not {name for name in names if keyword.iskeyword(name) or keyword.issoftkeyword(name)} - {"type"}


def _pascal(words: str) -> str:
    return "".join(word.capitalize() for word in words.split("_"))
