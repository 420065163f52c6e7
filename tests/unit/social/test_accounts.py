"""Who may register which account, and what is read through it."""

from datetime import UTC, datetime

import pytest

from services.runtime.idempotency import RequestKey
from services.runtime.pages import Page
from services.social.domain.accounts import Account, Credentials
from services.social.domain.errors import AccountExists, AccountNotFound, CredentialsRefused
from services.social.domain.limits import Quota
from services.social.domain.network import Mention
from services.social.service.accounts import Accounts
from services.social.service.limits import Limits
from services.social.service.reading import Reading
from tests.fakes.clock import FixedClock
from tests.fakes.social import FakeNetwork, FakeStore, FakeVault, credentials

NO_KEY = RequestKey("operator", "RegisterAccount", "", "")


class Office:
    """The accounts over fakes."""

    def __init__(self, clock: FixedClock) -> None:
        self.store, self.vault, self.network = FakeStore(), FakeVault(), FakeNetwork(clock)
        limits = Limits(self.store, self.vault, self.network, clock, Quota())
        self.accounts = Accounts(self.store, self.vault, self.network, limits, clock)
        self.reading = Reading(self.accounts, self.network, limits, clock)

    async def register(self, agent_id: str, name: str, key: RequestKey = NO_KEY) -> Account:
        return await self.accounts.register(agent_id, credentials(name), key)


@pytest.fixture
def office(clock: FixedClock) -> Office:
    return Office(clock)


def mention(number: int) -> Mention:
    return Mention(str(number), "7", "bob", f"mention {number}", "1", "", datetime(2026, 11, 22, tzinfo=UTC))


async def test_an_account_is_who_the_network_says_it_is(office: Office) -> None:
    account = await office.register("agt_a", "Ann")
    assert (account.handle, account.network_user_id) == ("Ann", "id-ann")
    assert "Ann-secret" not in account.sealed_credentials
    assert office.vault.unseal(account.sealed_credentials) == credentials("Ann")


async def test_nothing_is_stored_when_the_credentials_are_refused(office: Office) -> None:
    key = RequestKey("operator", "RegisterAccount", "req", "body")
    with pytest.raises(CredentialsRefused):
        await office.accounts.register("agt_a", Credentials("Ann", "wrong", "", ""), key)
    assert (office.store.accounts, office.store.requests) == ({}, {})
    await office.register("agt_a", "Ann", key)


async def test_a_repeated_request_doesnt_ask_the_network_again(office: Office) -> None:
    key = RequestKey("operator", "RegisterAccount", "req", "body")
    first = await office.register("agt_a", "Ann", key)
    office.network.blind = CredentialsRefused("no")
    assert await office.register("agt_a", "Ann", key) == first


async def test_registering_again_replaces_the_credentials_and_keeps_the_account(office: Office) -> None:
    first = await office.register("agt_a", "Ann")
    renamed = Credentials("ANN", "ANN-new", "token", "secret")
    second = await office.accounts.register("agt_a", renamed, NO_KEY)
    assert (second.id, second.handle) == (first.id, "ANN")
    assert office.vault.unseal(second.sealed_credentials) == renamed


@pytest.mark.parametrize(("agent_id", "name"), [("agt_a", "Bob"), ("agt_b", "Ann"), ("agt_b", "ANN")])
async def test_an_agent_has_one_account_and_an_account_one_agent(office: Office, agent_id: str, name: str) -> None:
    await office.register("agt_a", "Ann")
    with pytest.raises(AccountExists):
        await office.register(agent_id, name)
    assert len(office.store.accounts) == 1


async def test_an_unknown_account_is_not_found(office: Office) -> None:
    with pytest.raises(AccountNotFound):
        await office.accounts.get("acc_z")


async def test_mentions_go_on_where_the_page_before_ended(office: Office) -> None:
    account = await office.register("agt_a", "Ann")
    office.network.mentions = [mention(number) for number in range(10, 17)]
    first = await office.reading.mentions(account.id, "11", Page(3))
    assert [item.network_post_id for item in first.rows] == ["12", "13", "14"]
    second = await office.reading.mentions(account.id, "11", Page(3, first.next_key))
    assert ([item.network_post_id for item in second.rows], second.next_key) == (["15", "16"], None)


async def test_all_pages_of_mentions_cost_what_the_network_takes_for_them_once(office: Office) -> None:
    account = await office.register("agt_a", "Ann")
    office.network.mentions = [mention(number) for number in range(100, 400)]
    found: list[str] = []
    page = Page(100)
    while True:
        paged = await office.reading.mentions(account.id, "99", page)
        found += [one.network_post_id for one in paged.rows]
        if paged.next_key is None:
            break
        page = Page(100, paged.next_key)
    assert found == [str(number) for number in range(100, 400)]
    assert office.network.mention_reads == 1
    # The last page is asked for once more, by somebody whose answer got lost.
    again = await office.reading.mentions(account.id, "99", page)
    assert ([one.network_post_id for one in again.rows], office.network.mention_reads) == (found[200:], 1)


async def test_what_is_left_of_the_mentions_is_read_again_when_it_is_old(office: Office, clock: FixedClock) -> None:
    account = await office.register("agt_a", "Ann")
    office.network.mentions = [mention(number) for number in range(10, 17)]
    first = await office.reading.mentions(account.id, "11", Page(3))
    clock.advance(seconds=600)
    office.network.mentions.append(mention(17))
    second = await office.reading.mentions(account.id, "11", Page(9, first.next_key))
    assert [one.network_post_id for one in second.rows] == ["15", "16", "17"]
    assert office.network.mention_reads == 2


async def test_without_a_start_only_the_latest_mentions_are_read(office: Office) -> None:
    account = await office.register("agt_a", "Ann")
    office.network.mentions = [mention(number) for number in range(10, 17)]
    latest = await office.reading.mentions(account.id, "", Page(2))
    assert ([item.network_post_id for item in latest.rows], latest.next_key) == (["15", "16"], None)


async def test_the_handle_of_an_account_is_asked_for_once_a_day_with_its_mentions(
    office: Office, clock: FixedClock
) -> None:
    account = await office.register("agt_a", "Ann")
    office.network.renamed["id-ann"] = "Anna"
    await office.reading.mentions(account.id, "", Page(5))
    assert (await office.accounts.get(account.id)).handle == "Ann"
    clock.advance(days=1)
    for _ in range(3):
        await office.reading.mentions(account.id, "", Page(5))
    told = await office.accounts.get(account.id)
    assert (told.handle, told.handle_time) == ("Anna", clock.now())
    assert office.network.profiles == 2


async def test_while_the_network_does_not_say_the_handle_stays_and_it_is_asked_a_day_later(
    office: Office, clock: FixedClock
) -> None:
    account = await office.register("agt_a", "Ann")
    registered = clock.now()
    clock.advance(days=1)
    office.network.blind = CredentialsRefused("no")
    for _ in range(2):
        with pytest.raises(CredentialsRefused):
            await office.reading.mentions(account.id, "", Page(5))
    told = await office.accounts.get(account.id)
    assert (told.handle, told.handle_time) == ("Ann", registered)
    assert office.network.profiles == 2


async def test_the_pages_after_the_first_ask_for_no_handle(office: Office, clock: FixedClock) -> None:
    account = await office.register("agt_a", "Ann")
    clock.advance(days=1)
    await office.reading.mentions(account.id, "11", Page(5, ("12",)))
    assert office.network.profiles == 1


async def test_who_takes_a_name_over_is_called_so_and_who_had_it_is_not(office: Office, clock: FixedClock) -> None:
    ann, bob = await office.register("agt_a", "Ann"), await office.register("agt_b", "Bob")
    office.network.renamed |= {"id-ann": "bob", "id-bob": "Bobby"}
    clock.advance(days=1)
    await office.reading.mentions(ann.id, "", Page(5))
    assert [(await office.accounts.get(one.id)).handle for one in (ann, bob)] == ["bob", ""]
    await office.reading.mentions(bob.id, "", Page(5))
    assert [(await office.accounts.get(one.id)).handle for one in (ann, bob)] == ["bob", "Bobby"]


async def test_an_account_may_be_registered_under_a_name_that_another_one_had(office: Office) -> None:
    ann = await office.register("agt_a", "Ann")
    office.network.renamed |= {"id-ann": "Anna", "id-carol": "ann"}
    carol = await office.register("agt_c", "Carol")
    assert (carol.handle, (await office.accounts.get(ann.id)).handle) == ("ann", "")
    await office.reading.mentions(ann.id, "", Page(5))
    assert (await office.accounts.get(ann.id)).handle == "Anna"
