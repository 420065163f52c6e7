"""Probe."""
import asyncio, pytest
from datetime import UTC, datetime, timedelta
from google.protobuf.timestamp_pb2 import Timestamp
from puppet.memory.v1 import memory_service_pb2 as pb
from tests.integration.memory.calls import memory
from tests.support.refusals import refusal
pytestmark = pytest.mark.asyncio(loop_scope="session")

def T(**k):
    t = Timestamp(); t.FromDatetime(datetime(2026,1,1,tzinfo=UTC)+timedelta(**k)); return t

async def test_history_versions_twice(agent):
    m = memory("x", etag="3"); h = [memory("y", etag="1"), memory("z", etag="1")]
    print(await agent.service.ImportMemories([pb.ImportMemoriesRequest(agent_id=agent.id, memory=m, history=h)]))
async def test_history_huge_etag(agent):
    m = memory("x", etag="9"*40)
    told = await refusal(agent.service.ImportMemories([pb.ImportMemoriesRequest(agent_id=agent.id, memory=m)]))
    assert told.reason == "INVALID_REQUEST"
async def test_history_of_version_1(agent):
    m = memory("x", etag="1"); h = [memory("y", etag="2")]
    await agent.service.ImportMemories([pb.ImportMemoriesRequest(agent_id=agent.id, memory=m, history=h)])
    assert (await agent.export())[0].history
async def test_create_time_range(agent):
    m = memory("x"); m.create_time.seconds = 10**15
    told = await refusal(agent.service.ImportMemories([pb.ImportMemoriesRequest(agent_id=agent.id, memory=m)]))
    assert told.reason == "INVALID_REQUEST"
async def test_cursor(agent):
    for c in ("9"*30, "9"*5000):
        try:
            await agent.export(c)
        except Exception as e: 
            assert "INVALID" in str(e)
async def test_repeated_duplicate(agent):
    await agent.create("x")
    a = await agent.try_create("x", request_id=agent.id)
    assert a == await agent.try_create("x", request_id=agent.id)
async def test_repeated_after_delete(agent):
    a = await agent.try_create("x", request_id=agent.id)
    await agent.delete(a.memory.id)
    assert (await agent.try_create("x", request_id=agent.id)).memory.text == "x"
async def test_expired_duplicate(agent):
    await agent.create("x", expire_time=T())
    b = await agent.try_create("x")
    assert not b.duplicate
    await agent.get(b.memory.id)
async def test_import_same_id(agent):
    await agent.create("known")
    r = await agent.service.ImportMemories([pb.ImportMemoriesRequest(agent_id=agent.id, memory=memory("known", id="mem_1")), pb.ImportMemoriesRequest(memory=memory("purple elephants", id="mem_1"))])
    print(r)
    assert r.created_count == 1
    assert (await agent.find("elephants"))[:1] == ["purple elephants"]
    hits = await agent.hits("purple elephants")
    assert hits[0].relevance > 0.9
async def test_moved_turn(agent):
    a = await agent.create("zebra", conversation_id="c", occur_time=T())
    for n, t in enumerate(("apple", "pear", "plum", "fig", "kiwi"), 1):
        await agent.create(t, conversation_id="c", occur_time=T(minutes=n))
    async def lex():
        return {h.memory.text for h in await agent.hits("zebra", min_relevance=0) if h.parts.lexical > 0}
    assert await lex() == {"zebra", "apple", "pear"}
    await agent.update(a.id, occur_time=T(hours=1))
    assert await lex() == {"zebra"}
@pytest.mark.parametrize("q", ["あ"*1000, "あ"*2000, "a"*2000, "ж"*2000, " ".join(chr(0x4e00+i) for i in range(1000)), "?!", "the and", "'\"\\:*()&|<->", "½ ² ①", "क्षि", "NEAR AND OR NOT"])
async def test_queries(agent, q):
    await agent.create("hello あああ there")
    await agent.find(q)
async def test_words_in_paths(agent):
    for t in ("I bought SOL/USDC", "see nova.ai today", "price 3.14 now", "mail bob@example.com", "state-of-the-art", "foo_bar", "and/or", "https://x.com/puppet/status/12345", "v1.2.3 is out", "#solana $BONK", "it costs 1,000"):
        await agent.create(t)
    bad = []
    for q in ("usdc", "sol", "nova", "ai", "14", "bob", "example", "art", "bar", "or", "puppet", "status", "12345", "1.2.3", "solana", "bonk", "1,000", "3.14"):
        lex = [(h.memory.text, round(h.parts.lexical,3)) for h in await agent.hits(q, min_relevance=0) if h.parts.lexical > 0]
        print(q, lex)
        if not lex: bad.append(q)
    assert not bad
async def test_metadata(agent):
    await agent.create("a", metadata={'q"uo\'te.x$[0]': 'v"1', "é": "ü", "1": "2", "tab\t\n": "\\"})
    for k, v in (('q"uo\'te.x$[0]', 'v"1'), ("é", "ü"), ("1", "2"), ("tab\t\n", "\\")):
        assert await agent.texts(metadata={k: v}) == ["a"], k
        assert await agent.texts(metadata={k: v + "x"}) == []
