"""Who speaks to a rehearsed character."""

from datetime import timedelta

from puppetctl.rehearsal.company import Encounter, Mention, company

HANDLES = {"ann": "ann_there", "bob": "bob"}


def test_the_same_seed_brings_the_same_company() -> None:
    assert company(7, HANDLES, ["pia"], 5.0, 4.0) == company(7, HANDLES, ["pia"], 5.0, 4.0)
    assert company(7, HANDLES, ["pia"], 5.0, 4.0) != company(8, HANDLES, ["pia"], 5.0, 4.0)


def test_strangers_mention_each_by_its_handle_about_so_often_a_day_and_in_order() -> None:
    found = company(1, HANDLES, [], 50.0, 4.0)
    mentions = [one for one in found if isinstance(one, Mention)]
    assert len(mentions) == len(found)
    assert 300 < len(mentions) < 500
    named = {word.strip(",") for one in mentions for word in one.text.split() if word.startswith("@")}
    assert named == {"@ann_there", "@bob"}
    assert found == sorted(found, key=lambda one: one.after)
    assert found[-1].after < timedelta(days=50)


def test_neighbours_get_occasions_to_speak_to_each_and_no_stranger_is_asked_for() -> None:
    found = company(1, {"ann": "ann"}, ["pia", "odd"], 20.0, 0.0)
    assert {one.neighbour_id for one in found if isinstance(one, Encounter)} == {"pia", "odd"}
    assert {one.agent_id for one in found if isinstance(one, Encounter)} == {"ann"}
