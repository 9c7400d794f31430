"""What is typed at a question decides only when it is an answer."""

import pytest

from fabloop.cli.answers import ask, is_yes, plan_number


def typed(*lines):
    left = list(lines)

    def read():
        if not left:
            raise EOFError
        return left.pop(0)

    return read


@pytest.mark.parametrize(("text", "plan"), [("", 1), ("2", 2), ("4", 4), ("n", None), ("no", None)])
def test_a_number_within_the_offer_or_none_is_an_answer(text, plan):
    assert plan_number(text, 4) == plan


@pytest.mark.parametrize("text", ["0", "5", "-1", "abc", "1.5", "²", "nope"])
def test_anything_else_names_no_plan(text):
    with pytest.raises(ValueError, match="from 1 to 4"):
        plan_number(text, 4)


@pytest.mark.parametrize("text", ["nope", "maybe", "1"])
def test_a_change_is_not_approved_by_a_slip(text):
    with pytest.raises(ValueError, match="y or n"):
        is_yes(text)


def test_what_is_not_understood_is_said_and_asked_again():
    said = []
    answer = ask(typed("nope", " N "), is_yes, said.append, at_end=True)
    assert answer is False
    assert said == ["Expected y or n, but found 'nope'."]


def test_an_input_that_ends_decides_nothing():
    assert ask(typed("x"), is_yes, lambda _: None, at_end=False) is False
