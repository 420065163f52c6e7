"""The recall evaluation's own arithmetic, and the texts that it and the speed benchmark make."""

import pytest

from benchmarks.memory.conversations import KINDS, make_conversations
from benchmarks.memory.kinds import make_kinds
from benchmarks.memory.recall import SERVICE, Recall, gain, recall, sharing
from benchmarks.memory.texts import Texts


def test_the_same_seed_makes_the_same_conversations() -> None:
    assert make_conversations(2, 7) == make_conversations(2, 7)
    assert make_conversations(1, 7) != make_conversations(1, 8)


def test_a_conversation_has_questions_of_every_kind_with_evidence_among_its_turns() -> None:
    for conversation in make_conversations(3, 7):
        assert 300 <= len(conversation.turns) <= 550
        assert {question.kind for question in conversation.questions} == set(KINDS)
        for question in conversation.questions:
            assert len(question.evidence) == (2 if question.kind == "two evidences" else 1)
            assert all(0 <= number < len(conversation.turns) for number in question.evidence)


def test_no_question_of_a_conversation_is_asked_twice() -> None:
    for conversation in make_conversations(3, 7):
        asked = [question.text for question in conversation.questions]
        assert len(set(asked)) == len(asked)


def test_a_realistic_share_of_the_questions_has_a_rare_word_of_its_evidence() -> None:
    assert 0.3 <= sharing(make_conversations(3, 7)) <= 0.6


@pytest.mark.parametrize(("depth", "share"), [(1, 0.0), (2, 0.5), (3, 0.5), (4, 1.0)])
def test_recall_is_the_share_of_the_evidence_among_the_first_results(depth: int, share: float) -> None:
    assert recall(frozenset({3, 8}), [5, 8, 1, 3], depth) == share


def test_the_same_seed_makes_the_same_texts_and_none_of_them_twice() -> None:
    memories = Texts(7).memories(500)
    assert memories == Texts(7).memories(500)
    assert len(set(memories)) == 500
    assert all(8 <= len(memory.split()) <= 40 for memory in memories)


def test_questions_have_3_to_10_words_and_none_comes_twice() -> None:
    texts = Texts(7)
    questions = texts.questions(200, texts.memories(100))
    assert len(set(questions)) == 200
    assert all(3 <= len(question.split()) <= 10 for question in questions)


def test_every_kind_of_text_has_questions_with_evidence_in_it() -> None:
    kinds = make_kinds(2, 7)
    assert kinds == make_kinds(2, 7)
    assert {"short turns", "long turns", "posts", "facts", "Japanese"} <= set(kinds)
    for conversation in (conversation for of_kind in kinds.values() for conversation in of_kind):
        assert len(conversation.questions) >= 30
        for question in conversation.questions:
            assert "{" not in question.text
            assert all(0 <= number < len(conversation.turns) for number in question.evidence)


def test_long_turns_are_long_and_facts_are_short() -> None:
    kinds = make_kinds(2, 7)
    words = {name: [len(turn.text.split()) for each in kinds[name] for turn in each.turns] for name in kinds}
    assert max(words["long turns"]) > 300
    assert max(words["facts"]) < 50
    assert max(words["posts"]) < 60


def test_the_gain_is_the_share_of_the_best_other_method() -> None:
    found = {name: Recall(10, {10: share}) for name, share in (("LIKE", 0.2), ("BM25", 0.5), (SERVICE, 0.6))}
    assert gain(found) == pytest.approx(1.2)
