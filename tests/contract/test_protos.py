"""The contracts keep the rules of the house."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from services.runtime.rpc.access import Rule
from services.runtime.rpc.bounds import MAX_ITEMS, most_items
from services.runtime.settings import ServiceSettings
from tests.architecture.rooms import SERVICES
from tests.conftest import ROOT

READS = (
    "Get",
    "List",
    "Screen",
    "Search",
    "Watch",
    "Export",
    "Explain",
    "Preview",
    "Verify",
    "Stream",
    "Generate",
    "Embed",
)
PAID_READS = ("Stream", "Generate", "Embed")
"""A model is paid for each time, so these are repeated by nobody but their caller."""

KEPT_READS = ("Generate",)
"""What was answered is kept for a caller who repeats it by its id; what failed may have been paid for all the same."""

MONEY = ("amount", "lamports", "price", "usd", "cost")


def protos_of(service: str) -> list[Path]:
    """Return the proto files of a service that declare RPCs."""
    return sorted((ROOT / "protos" / "puppet" / service / "v1").glob("*_service.proto"))


def services() -> Iterator[ServiceDescriptor]:
    for name in SERVICES:
        for path in protos_of(name):
            module = importlib.import_module(f"puppet.{name}.v1.{path.stem}_pb2")
            yield from module.DESCRIPTOR.services_by_name.values()


METHODS = [method for service in services() for method in service.methods]
every_method = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)


@every_method
def test_each_rpc_has_a_request_and_a_response_of_its_own(method: MethodDescriptor) -> None:
    assert (method.input_type.name, method.output_type.name) == (f"{method.name}Request", f"{method.name}Response")


@every_method
def test_every_list_has_pages(method: MethodDescriptor) -> None:
    if method.name.startswith("List"):
        assert {"page_size", "page_token"} <= set(method.input_type.fields_by_name)
        assert "next_page_token" in method.output_type.fields_by_name


@every_method
def test_every_mutation_carries_a_request_id(method: MethodDescriptor) -> None:
    has_id = "request_id" in method.input_type.fields_by_name
    assert has_id == (not method.name.startswith(READS) or method.name in KEPT_READS)


@every_method
def test_what_may_be_repeated_is_a_free_read_or_has_a_name(method: MethodDescriptor) -> None:
    level = method.GetOptions().idempotency_level
    if "request_id" in method.input_type.fields_by_name and method.name not in KEPT_READS:
        assert level == MethodOptions.IDEMPOTENT
    else:
        assert (level == MethodOptions.NO_SIDE_EFFECTS) != method.name.startswith(PAID_READS)


@every_method
def test_every_rpc_says_who_may_call_it(method: MethodDescriptor) -> None:
    rule = Rule.of(method)
    assert "operator" in rule.roles, "nobody runs a suite who can't call this"
    assert "reader" not in rule.roles or rule.is_read
    assert len([path for path in (rule.agent, rule.resource) if path]) + rule.any_scope <= 1
    names = {other.full_name.replace(f".{other.name}", f"/{other.name}") for other in METHODS}
    assert set(rule.delegates) <= names


@every_method
def test_the_path_to_an_agent_leads_somewhere(method: MethodDescriptor) -> None:
    rule, message = Rule.of(method), method.input_type
    for name in rule.agent or rule.resource:
        if message.full_name == "google.protobuf.Struct":
            break
        field = message.fields_by_name[name]
        assert field.type in (FieldDescriptor.TYPE_STRING, FieldDescriptor.TYPE_MESSAGE)
        message = field.message_type or message


@every_method
def test_every_update_has_a_mask(method: MethodDescriptor) -> None:
    if method.name.startswith("Update"):
        assert "update_mask" in method.input_type.fields_by_name


@every_method
def test_every_list_in_a_request_says_how_many_items_it_may_have(method: MethodDescriptor) -> None:
    waiting, seen = [method.input_type], set()
    while waiting:
        message = waiting.pop()
        if message.full_name in seen or not message.full_name.startswith("puppet."):
            continue
        seen.add(message.full_name)
        waiting.extend(field.message_type for field in message.fields if field.message_type is not None)
        unbounded = {field.name for field in message.fields if field.is_repeated and most_items(field) == MAX_ITEMS}
        assert not unbounded, message.full_name


def test_money_is_never_a_float() -> None:
    floats = {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}
    for method in METHODS:
        for message in (method.input_type, method.output_type):
            for field in message.file.message_types_by_name.values():
                for item in field.fields:
                    if any(word in item.name for word in MONEY):
                        assert item.type not in floats, item.full_name


@pytest.mark.parametrize("service", list(services()), ids=lambda service: service.name)
def test_a_service_says_how_long_calls_have_and_request_ids_are_remembered(service: ServiceDescriptor) -> None:
    settings = ServiceSettings.model_fields
    seconds, days = settings["default_deadline_seconds"].default, settings["request_days"].default
    text = (ROOT / "protos" / service.file.name).read_text()
    comment = re.search(rf"((?:^//.*\n)+)^service {service.name} ", text, re.MULTILINE)
    assert comment is not None
    said = " ".join(comment[1].replace("//", "").split())
    assert f"A call without a deadline has {seconds:g} seconds" in said
    has_ids = any("request_id" in method.input_type.fields_by_name for method in service.methods)
    assert (f"It is remembered for {days} days" in said) == has_ids


BOUNDED = {
    "GenerateResponse.candidates": "as many as `candidate_count`",
    "GetAgentStatusResponse.schedule": "one for each kind of action",
    "GetAgentStatusResponse.notices": "the first thousand",
    "GetMoodHistoryResponse.points": "as many as `max_points`",
    "BatchCreateAgentsResponse.agents": "as many as were given",
    "BatchUpdateRelationshipsResponse.relationships": "as many as were given",
    "BatchCreateMemoriesResponse.memories": "as many as were given",
    "SearchMemoriesResponse.hits": "as many as `max_results`",
    "ExportMemoriesResponse.history": "what the import takes: `max_items`",
    "GetMemoryStatsResponse.kinds": "one for each kind",
    "GetMemoryStatsResponse.provenances": "one for each source",
    "GetConversationResponse.posts": "as many as `max_posts`",
    "ExplainActivityResponse.memories": "what a prompt holds",
    "ExplainActivityResponse.prompts": "2 MiB",
    "ExplainActivityResponse.others": "one for each step that is logged",
    "PreviewPromptResponse.prompts": "one for each call",
    "PreviewPromptResponse.memories": "what a prompt holds",
    "GetPricesResponse.prices": "as many as were asked for",
    "GenerateResponse.attempts": "one for each provider",
    "EmbedResponse.attempts": "one for each provider",
    "EmbedResponse.vectors": "one for each text",
    "GetUsageResponse.rows": "1,000, and it says when there are more",
}
"""Lists in answers that are not in pages, and what bounds them."""


@every_method
def test_every_list_in_an_answer_is_in_pages_or_bounded(method: MethodDescriptor) -> None:
    answer = method.output_type
    if "next_page_token" not in answer.fields_by_name:
        lists = {f"{answer.name}.{field.name}" for field in answer.fields if field.is_repeated}
        assert lists <= BOUNDED.keys()


def test_what_is_said_to_bound_a_list_is_about_one() -> None:
    lists = {f"{method.output_type.name}.{field.name}" for method in METHODS for field in method.output_type.fields}
    assert BOUNDED.keys() <= lists


SAYS_WHETHER = re.compile(r"(is|has|can|may|allow|holds)_|\w+_shown$")


@every_method
def test_what_is_true_or_not_is_named_as_a_statement(method: MethodDescriptor) -> None:
    for message in method.containing_service.file.message_types_by_name.values():
        flags = {field.name for field in message.fields if field.type == FieldDescriptor.TYPE_BOOL}
        assert {name for name in flags if not SAYS_WHETHER.match(name)} == set(), message.full_name
