"""Probe."""
import asyncio, pytest, random
from puppet.memory.v1 import memory_service_pb2 as pb
from tests.integration.memory.calls import memory, running, Agent

async def test_purge_scan(settings, tmp_path):
    rng = random.Random(1)
    async with running(settings) as ch:
        a = Agent(ch, "a")
        made = []
        for n in range(300):
            made.append(await a.create(f"mallory{n:05d} " + "x"*rng.randrange(10, 900), author="mallory" if n % 3 else "", conversation_id="c" if n % 2 else "", provenance=pb.PROVENANCE_EXTERNAL, metadata={"k": "y"*rng.randrange(1, 500)}))
        for n in range(300):
            if rng.random() < .5:
                await a.update(made[n].id, text=f"mallory{n:05d} " + "z"*rng.randrange(10, 3000))
        for n in range(300):
            if rng.random() < .3:
                await a.update(made[n].id, metadata={"k": "y"*rng.randrange(1, 900)})
        await asyncio.sleep(2)
        print(await a.purge(author="mallory"))
        left = {}
        for p in tmp_path.rglob("*"):
            if p.is_file():
                b = p.read_bytes()
                for n in range(300):
                    if n % 3 and f"mallory{n:05d}".encode() in b:
                        left.setdefault(str(p.relative_to(tmp_path)), []).append((n, b.count(f"mallory{n:05d}".encode())))
        print({k: (len(v), v[:5]) for k, v in left.items()})
        assert not left
