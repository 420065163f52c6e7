"""The endpoints: what clients of the first versions send, and how HTTP and the contracts fit together."""

import asyncio
from typing import Any

import pytest

from services.gateway.app import ENDPOINTS
from services.gateway.routes.documentation import describe
from tests.security.principals import OPERATOR
from tests.support.gateway import Door, door

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATHS = [(endpoint.verb, endpoint.path) for endpoint in ENDPOINTS]
OPEN = {("get", "/health"), ("post", "/session")}


async def created(gateway: Door, agent_id: str, **persona: Any) -> Any:
    return await gateway.data("POST", "/agents", {"id": agent_id, "name": agent_id.title(), **persona})


async def test_the_calls_of_the_first_versions_work_as_they_are_written(gateway: Door) -> None:
    answer = await gateway.call("POST", "/agents", {"id": "claudia", "name": "Claudia", "description": "Witty."})
    assert answer.status_code == 201
    assert answer.json()["data"]["name"] == "Claudia"
    listed = await gateway.data("GET", "/agents?limit=50")
    assert "claudia" in [agent["id"] for agent in listed["agents"]]
    added = await gateway.call(
        "POST", "/memory/claudia", {"type": "recent", "content": "I like rain.", "metadata": {"topic": "weather"}}
    )
    assert added.status_code == 201
    assert added.json()["data"]["kind"] == "MEMORY_KIND_RECENT"
    found = await gateway.data("POST", "/memory/claudia/search", {"query": "rain", "limit": 10})
    assert found["hits"][0]["memory"]["text"] == "I like rain."
    assert found["hits"][0]["parts"].keys() == {"lexical", "vector", "entity", "recency", "importance"}
    assert [it["text"] for it in (await gateway.data("GET", "/memory/claudia?type=recent"))["memories"]] == [
        "I like rain."
    ]
    assert (await gateway.data("GET", "/memory/claudia?type=core"))["memories"] == []
    status, error = await gateway.refusal(
        "POST", "/agents/claudia/post", {"context": {"topic": "rain", "mood": "excited"}, "force": False}
    )
    assert (status, error["code"]) == (409, "AGENT_INACTIVE")
    await gateway.data("POST", "/agents/claudia/start")
    assert (await gateway.data("GET", "/agents/claudia"))["is_active"] is True
    await gateway.data("POST", "/agents/claudia/stop")
    changed = await gateway.data("PUT", "/agents/claudia/config", {"personality": {"traits": ["curious"]}})
    assert changed["persona"]["personality"]["traits"] == ["curious"]
    assert changed["description"] == "Witty."
    await gateway.data("DELETE", f"/memory/claudia/{added.json()['data']['id']}")
    assert (await gateway.data("DELETE", "/memory/claudia"))["deleted_count"] == "0"
    assert (await gateway.data("DELETE", "/agents/claudia"))["is_done"] is True
    status, error = await gateway.refusal("GET", "/agents/claudia")
    assert (status, error["code"]) == (404, "AGENT_NOT_FOUND")


async def test_health_is_for_everybody_and_says_what_is_degraded(gateway: Door) -> None:
    data = await gateway.data("GET", "/health", by="")
    assert data["status"] == "healthy"
    assert data["components"] == dict.fromkeys(("agents", "memory", "llm", "trading", "social"), "healthy")
    assert data.keys() == {"status", "uptime", "version", "components"}
    async with door(gateway.suite, trading_target="127.0.0.1:1") as without:
        data = await without.data("GET", "/health", by="")
        assert data["status"] == "degraded"
        assert data["components"]["trading"] == "degraded"
        assert data["components"]["memory"] == "healthy"
        assert (await without.data("GET", "/status"))["trading"] is None
        assert (await without.data("GET", "/agents"))["agents"] is not None
        answer = await without.call("GET", "/trading/wallets")
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "SYSTEM_ERROR"
        assert int(answer.headers["retry-after"]) >= 1


async def test_nothing_is_answered_without_a_token(gateway: Door) -> None:
    paths = describe(ENDPOINTS)["paths"]
    operations = [(verb, path) for path, verbs in paths.items() for verb in verbs if (verb, path) not in OPEN]
    assert len(operations) > len(PATHS)
    for verb, path in operations:
        filled = path.replace("{", "").replace("}", "")
        for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic eDp5"}):
            answer = await gateway.client.request(verb.upper(), filled, headers=headers)
            assert answer.status_code == 401, (verb, path)
            assert answer.json()["error"]["code"] == "UNAUTHENTICATED"
            assert "WWW-Authenticate" in answer.headers


async def test_a_token_of_a_service_or_a_link_is_no_token_here(gateway: Door) -> None:
    credential = gateway.suite.credential(OPERATOR)
    for wrong in (credential.token("gateway"), credential.session("other", 60), credential.session("gateway", 60, "a")):
        answer = await gateway.client.get("/agents", headers={"Authorization": f"Bearer {wrong}"})
        assert answer.status_code == 401


async def test_a_caller_has_its_own_rights_and_no_others(gateway: Door) -> None:
    await created(gateway, "odd")
    await created(gateway, "pia")
    for reader in ("reader", "client-read"):
        await gateway.data("GET", "/agents", by=reader)
        assert (await gateway.refusal("POST", "/agents/odd/stop", by=reader))[0] == 403
        assert (await gateway.refusal("POST", "/agents", {"id": "x", "name": "X"}, by=reader))[0] == 403
    await gateway.data("POST", "/agents/odd/stop", by="client-odd")
    for path in ("/agents", "/agents/pia", "/agents/pia/activity", "/activity", "/memory/pia"):
        status, error = await gateway.refusal("GET", path, by="client-odd")
        assert (status, error["code"]) == (403, "PERMISSION_DENIED"), path
    assert (await gateway.data("GET", "/session", by="client-odd"))["agents"] == ["odd"]
    assert (await gateway.data("GET", "/session", by="reader"))["may_write"] is False


async def test_an_operator_sets_what_words_may_cost_and_everybody_sees_it(gateway: Door) -> None:
    await created(gateway, "spender")
    budget = await gateway.data("PUT", "/budgets/spender", {"usd_per_day": "0.50", "tokens_per_day": "1000"})
    assert (budget["usd_per_day"], budget["tokens_per_day"]) == ("0.5", "1000")
    changed = await gateway.data("PUT", "/budgets/spender", {"usd_per_day": "2"}, if_match=f'"{budget["etag"]}"')
    assert "tokens_per_day" not in changed
    status, error = await gateway.refusal(
        "PUT", "/budgets/spender", {"usd_per_day": "9"}, if_match=f'"{budget["etag"]}"'
    )
    assert (status, error["details"]["reason"]) == (412, "ETAG_MISMATCH")
    seen = await gateway.data("GET", "/budgets/spender", by="reader")
    assert float(seen["usd_per_day"]) == 2
    assert (await gateway.refusal("PUT", "/budgets", {"usd_per_day": "9"}, by="reader"))[0] == 403
    assert (await gateway.refusal("PUT", "/budgets", {"usd_per_day": "much"}))[1]["details"]["violations"]
    await gateway.data("PUT", "/budgets", {"usd_per_day": "5"})
    assert float((await gateway.data("GET", "/budgets"))["usd_per_day"]) == 5
    assert (await gateway.data("GET", "/usage?group_by=USAGE_GROUPING_AGENT"))["rows"] == []


async def test_of_a_character_that_is_not_there_nothing_is_kept_under_a_mistyped_id(gateway: Door) -> None:
    for verb, path, body in (
        ("PUT", "/budgets/spendre", {"tokens_per_day": "10"}),
        ("POST", "/memory/spendre", {"text": "I ski.", "kind": "core"}),
    ):
        status, error = await gateway.refusal(verb, path, body)
        assert (status, error["details"]["reason"]) == (404, "AGENT_NOT_FOUND")
    assert "tokens_per_day" not in await gateway.data("GET", "/budgets/spendre")
    # While the agents service is away a limit is set all the same.
    async with door(gateway.suite, agents_target="127.0.0.1:1") as without:
        assert (await without.data("PUT", "/budgets/spendre", {"tokens_per_day": "10"}))["tokens_per_day"] == "10"


async def test_a_change_of_a_persona_that_is_sent_again_happens_once(gateway: Door) -> None:
    await created(gateway, "uno")
    path, patch = "/agents/uno/config", {"description": "uno"}
    first = await gateway.data("PUT", path, patch, idempotency_key="c1")
    await gateway.data("PUT", "/agents/uno/config", {"name": "Una"})
    again = await gateway.data("PUT", path, patch, idempotency_key="c1")
    assert (first["description"], again["description"], again["name"]) == ("uno", "uno", "Una")
    status, error = await gateway.refusal("PUT", path, {"description": "due"}, idempotency_key="c1")
    assert (status, error["details"]["reason"]) == (400, "REQUEST_ID_REUSED")


async def test_changes_of_a_persona_at_once_are_all_made(gateway: Door) -> None:
    await created(gateway, "many")
    patches: list[dict[str, Any]] = [{"name": "Many"}, {"description": "Several."}, {"post_examples": ["We nodded."]}]
    answers = await asyncio.gather(*(gateway.call("PUT", "/agents/many/config", patch) for patch in patches))
    assert [answer.status_code for answer in answers] == [200] * len(patches)
    persona = (await gateway.data("GET", "/agents/many"))["persona"]
    assert [patch for patch in patches if persona | patch != persona] == []


@pytest.mark.parametrize("body", ['{"id":"inf","name":"x","zz":1e999}', '{"id":"inf","name":"x","zz":[-1e999]}'])
async def test_a_number_that_is_none_in_json_is_refused_by_its_field(gateway: Door, body: str) -> None:
    headers = {"Authorization": f"Bearer {gateway.token()}", "Content-Type": "application/json"}
    answer = await gateway.client.post("/agents", content=body, headers=headers)
    assert answer.status_code == 400, answer.text
    assert [item["field"] for item in answer.json()["error"]["details"]["violations"]] == ["persona"]


async def test_what_a_body_gets_wrong_is_named_by_its_path(gateway: Door) -> None:
    await created(gateway, "sam")
    status, error = await gateway.refusal(
        "POST", "/agents/sam/mood", {"levels": {"valence": "high", "bliss": 1}, "reason": 7, "speed": 1}
    )
    assert status == 400
    fields = [item["field"] for item in error["details"]["violations"]]
    assert fields == ["levels.valence", "levels.bliss", "reason", "speed"]
    status, error = await gateway.refusal(
        "POST", "/agents", {"id": "tim", "name": "Tim", "behavior": {"post_frequency": 5}}
    )
    assert (status, error["code"]) == (400, "INVALID_CONFIGURATION")
    assert error["details"]["violations"][0]["field"].startswith("persona.behavior")
    status, error = await gateway.refusal("GET", "/agents?page_size=x&offset=2&page_size=3")
    assert {item["field"] for item in error["details"]["violations"]} == {"offset", "page_size"}
    for content in (b"{", b"[]", b'{"reason": NaN}', b'{"a":1,"a":2}', b"\xff", b"[" * 100_000):
        answer = await gateway.client.post(
            "/agents/sam/mood", content=content, headers={"Authorization": f"Bearer {gateway.token()}"}
        )
        assert answer.status_code == 400, content
        assert answer.json()["error"]["details"]["violations"][0]["field"] in {"body", "reason"}


async def test_names_may_be_camel_case_and_enums_short(gateway: Door) -> None:
    await created(gateway, "ann")
    body = {"text": "I knit.", "kind": "core", "sourceId": "s1", "provenance": "operator"}
    assert (await gateway.data("POST", "/memory/ann", body))["source_id"] == "s1"
    assert len((await gateway.data("GET", "/memory/ann?kinds=core&kinds=recent&pageSize=5"))["memories"]) == 1


async def test_pages_go_by_their_tokens(gateway: Door) -> None:
    for number in range(3):
        await created(gateway, f"page-{number}")
    seen, token = [], ""
    while True:
        page = await gateway.data("GET", f"/agents?page_size=1&page_token={token}")
        seen += [agent["id"] for agent in page["agents"]]
        if not (token := page["next_page_token"]):
            break
    assert seen == sorted(seen)
    assert {"page-0", "page-1", "page-2"} <= set(seen)


async def test_an_etag_guards_a_change_and_saves_a_read(gateway: Door) -> None:
    await created(gateway, "eva")
    answer = await gateway.call("GET", "/agents/eva")
    etag = answer.headers["etag"]
    assert etag == f'"{answer.json()["data"]["etag"]}"'
    assert (await gateway.call("GET", "/agents/eva", if_none_match=etag)).status_code == 304
    changed = await gateway.call("PUT", "/agents/eva", {"id": "eva", "name": "Eve"}, if_match=etag)
    assert changed.json()["data"]["name"] == "Eve"
    status, error = await gateway.refusal("PUT", "/agents/eva", {"id": "eva", "name": "Eva"}, if_match=etag)
    assert (status, error["code"]) == (412, "ETAG_MISMATCH")
    status, error = await gateway.refusal("PUT", "/agents/eva/config", {"name": "Eva"}, if_match=etag)
    assert (status, error["code"]) == (412, "ETAG_MISMATCH")
    assert (await gateway.data("GET", "/agents/eva"))["name"] == "Eve"
    await gateway.data("PUT", "/agents/eva/config", {"name": "Eva"}, if_match=changed.headers["etag"])


async def test_of_several_etags_one_must_be_the_current_and_a_weak_one_never_is(gateway: Door) -> None:
    await created(gateway, "rae")
    etag = (await gateway.call("GET", "/agents/rae")).headers["etag"]
    body = {"id": "rae", "name": "Rae", "description": "Rows."}
    for path, changed in (("/agents/rae", body), ("/agents/rae/config", {"description": "Rows."})):
        for wrong in (f"W/{etag}", '"77", "78"', f'"77", W/{etag}'):
            assert (await gateway.refusal("PUT", path, changed, if_match=wrong))[0] == 412
    listed = f'"77", {etag}'
    first = await gateway.data("PUT", "/agents/rae", body, if_match=listed, idempotency_key="rows")
    again = await gateway.data("PUT", "/agents/rae", body, if_match=listed, idempotency_key="rows")
    assert first["etag"] == again["etag"]
    listed = f'"77", "{first["etag"]}"'
    second = await gateway.data("PUT", "/agents/rae/config", {"description": "Rests."}, if_match=listed)
    third = await gateway.data("PUT", "/agents/rae", body, if_match="*")
    assert third["etag"] != second["etag"] != first["etag"]


async def test_what_a_client_has_is_not_sent_again_however_it_says_so(gateway: Door) -> None:
    await created(gateway, "sol")
    for path in ("/agents/sol", "/personas/schema", "/app.js"):
        etag = (await gateway.call("GET", path)).headers["etag"]
        for same in (etag, f'"77", {etag}', f"W/{etag}", "*"):
            assert (await gateway.call("GET", path, if_none_match=same)).status_code == 304
        for other in ('"77"', f'"x{etag[1:]}', '"77", "78"'):
            assert (await gateway.call("GET", path, if_none_match=other)).status_code == 200


async def test_the_description_of_the_api_tells_what_a_call_needs(gateway: Door) -> None:
    paths = (await gateway.call("GET", "/openapi.json")).json()["paths"]
    needs = {path: paths[path]["post"]["requestBody"]["required"] for path in ("/agents/{agent_id}/post", "/agents")}
    assert needs == {"/agents/{agent_id}/post": False, "/agents": True}
    headers = {one["name"]: one["schema"] for one in paths["/agents"]["post"]["parameters"] if one["in"] == "header"}
    assert headers["Idempotency-Key"] == {"type": "string", "maxLength": 128}


async def test_a_key_makes_a_call_happen_once(gateway: Door) -> None:
    await created(gateway, "joe")
    body = {"text": "I sold a boat.", "kind": "event"}
    first, again = [await gateway.data("POST", "/memory/joe", body, idempotency_key="k1") for _ in range(2)]
    assert first["id"] == again["id"]
    status, error = await gateway.refusal(
        "POST", "/memory/joe", {"text": "I sold a car.", "kind": "event"}, idempotency_key="k1"
    )
    assert (status, error["code"]) == (400, "REQUEST_ID_REUSED")
    assert error["details"]["violations"][0]["field"] == "Idempotency-Key"
    _, error = await gateway.refusal("POST", "/memory/joe", body, idempotency_key="k" * 200)
    assert error["details"]["violations"][0]["field"] == "Idempotency-Key"


async def test_what_the_path_says_no_body_says_otherwise(gateway: Door) -> None:
    await created(gateway, "kim")
    _, error = await gateway.refusal("POST", "/memory/kim", {"agent_id": "eva", "text": "x", "kind": "core"})
    assert error["details"]["violations"][0]["field"] == "memory.agent_id"
    for other in ("other", 7, None, ""):
        status, error = await gateway.refusal("PUT", "/agents/kim", {"id": other, "name": "Other"})
        assert (status, [it["field"] for it in error["details"]["violations"]]) == (400, ["agent.persona.id"])
    changed = await gateway.data("PUT", "/agents/kim", {"name": "Kim the Second"})
    assert (changed["id"], changed["persona"]["id"], changed["name"]) == ("kim", "kim", "Kim the Second")
    [body] = describe(ENDPOINTS)["paths"]["/agents/{agent_id}"]["put"]["requestBody"]["content"].values()
    assert body["schema"]["required"] == ["name"]


async def test_only_the_given_fields_of_a_memory_change(gateway: Door) -> None:
    await created(gateway, "lou")
    made = await gateway.data("POST", "/memory/lou", {"text": "I ski.", "kind": "core", "importance": 0.2})
    changed = await gateway.data("PATCH", f"/memory/lou/{made['id']}", {"importance": 0.9}, if_match=made["etag"])
    assert (changed["text"], changed["importance"]) == ("I ski.", 0.9)
    versions = await gateway.data("GET", f"/memory/lou/{made['id']}/versions")
    assert [version["importance"] for version in versions["versions"]][-1] == 0.2


async def test_a_call_takes_no_longer_than_its_caller_lets_it(gateway: Door) -> None:
    await created(gateway, "max")
    for given in ("0", "-1", "x", "nan", "1e9"):
        status, error = await gateway.refusal("GET", "/agents", request_timeout=given)
        assert (status, error["details"]["violations"][0]["field"]) == (400, "Request-Timeout")
    await gateway.data("GET", "/agents", request_timeout="5")


async def test_what_is_halted_stays_so_until_it_is_resumed(gateway: Door) -> None:
    assert (await gateway.data("POST", "/trading/halt", {"reason": "lunch"}))["halt"]["is_for_all"] is True
    assert (await gateway.data("POST", "/trading/resume", {})).get("halt") is None
    status, error = await gateway.refusal("POST", "/trading/nobody/halt", {"reason": "lunch"})
    assert (status, error["code"]) == (404, "WALLET_NOT_FOUND")
    status, error = await gateway.refusal("GET", "/accounts/nobody/capabilities")
    assert (status, error["code"]) == (404, "ACCOUNT_NOT_FOUND")


async def test_events_are_published_and_cancelled(gateway: Door) -> None:
    await created(gateway, "nat")
    body = {"agent_ids": ["nat"], "start_time": "2099-01-01T00:00:00Z", "scheduled_post": {"topic": "the new year"}}
    answer = await gateway.call("POST", "/events", body)
    assert answer.status_code == 201
    event = answer.json()["data"]
    assert (await gateway.data("GET", f"/events/{event['id']}"))["state"] == event["state"]
    assert [it["id"] for it in (await gateway.data("GET", "/events?agent_ids=nat"))["events"]] == [event["id"]]
    assert (await gateway.data("POST", f"/events/{event['id']}/cancel"))["state"] == "EVENT_STATE_CANCELLED"


async def test_paths_and_verbs_that_there_arent_are_refused_in_the_envelope(gateway: Door) -> None:
    for verb, path, expected in (
        ("GET", "/nothing", 404),
        ("DELETE", "/agents", 405),
        ("GET", "/agents/odd/post", 405),
    ):
        status, error = await gateway.refusal(verb, path)
        assert status == expected
        assert error["code"] in {"NOT_FOUND", "METHOD_NOT_ALLOWED"}


async def test_who_asks_by_another_verb_is_told_all_that_a_path_knows(gateway: Door) -> None:
    for path, allowed in (
        ("/agents", "GET, HEAD, POST"),
        ("/agents/odd", "DELETE, GET, HEAD, PUT"),
        ("/agents/odd/post", "POST"),
        ("/session", "DELETE, GET, HEAD, POST"),
        ("/app.js", "GET, HEAD"),
    ):
        answer = await gateway.call("PATCH", path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)
        assert answer.json()["error"]["message"] == f"this path knows {allowed}"
