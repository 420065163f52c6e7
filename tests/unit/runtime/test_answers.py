"""Answers that end early, so that they can be read."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from puppet.memory.v1 import relationship_service_pb2 as pb
from services.runtime.pages import Page, Paged, read_page
from services.runtime.rpc.answers import Room, fill, fill_from
from services.runtime.rpc.bounds import MAX_BYTES

SIZES = st.lists(st.sampled_from([0, 10, 10_000, 400_000, 3_000_000, MAX_BYTES - 70_000]), max_size=40)


def interaction(size: int) -> pb.Interaction:
    return pb.Interaction(summary="x" * size)


class Rows:
    """Rows of these sizes, as a store would return them; it notes how many were asked for."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self._rows = list(enumerate(sizes, 1))
        self.asked: list[int] = []

    async def page(self, page: Page) -> Paged[tuple[int, int]]:
        self.asked.append(page.size)
        after = page.after[0] if page.after else 0
        found = [row for row in self._rows if row[0] > after][: page.size + 1]
        return Paged.cut(found, page, lambda row: row[:1])


def written(row: tuple[int, int]) -> pb.Interaction:
    return interaction(row[1])


@settings(max_examples=30)
@given(SIZES, st.integers(1, 50), st.integers(1, 20))
async def test_whatever_rows_weigh_each_page_can_be_read_and_all_come_once(
    sizes: list[int], page_size: int, first: int
) -> None:
    rows, seen, token = Rows(sizes), list[int](), ""
    while True:
        page = read_page(page_size, token, ["a"], (int,))
        answer = await fill_from(pb.ListInteractionsResponse(), page, rows.page, written, ["a"], first=first)
        assert answer.ByteSize() <= MAX_BYTES
        assert len(answer.interactions) <= page_size
        seen += [len(item.summary) for item in answer.interactions]
        token = answer.next_page_token
        if not token:
            break
        assert answer.interactions
    assert seen == sizes


async def test_light_rows_are_read_at_once_and_heavy_ones_a_few_at_a_time() -> None:
    light, heavy = Rows([10] * 500), Rows([500_000] * 500)
    for rows in (light, heavy):
        await fill_from(pb.ListInteractionsResponse(), Page(500), rows.page, written, [])
    assert light.asked == [50, 450]
    assert heavy.asked == [50]
    few = Rows([500_000] * 500)
    await fill_from(pb.ListInteractionsResponse(), Page(500), few.page, written, [], first=4)
    assert few.asked == [4, 4, 1]


def test_a_page_that_was_read_ends_before_what_has_no_room() -> None:
    found = Paged.cut([(1, 3_000_000), (2, 3_000_000), (3, 1)], Page(5), lambda row: row[:1])
    answer = fill(pb.ListInteractionsResponse(), found, written, [])
    assert len(answer.interactions) == 1
    assert read_page(5, answer.next_page_token, [], (int,)).after == (1,)


def test_room_is_taken_by_what_is_put_into_it_and_by_nothing_else() -> None:
    room = Room(MAX_BYTES - 100_000)
    assert not room.take(interaction(100_000))
    assert room.take(interaction(20_000))
    assert not room.take(interaction(20_000))
