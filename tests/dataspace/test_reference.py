"""The figures of the reference page against the code."""

from pathlib import Path

from fabloop.dataspace.discover import CERTAIN_MIN, MARGIN_MIN, PROPOSED_MIN
from fabloop.dataspace.paths import HOPS_MAX

PAGE = Path(__file__).parents[2] / "docs/reference/data-space.md"


def test_the_page_tells_when_a_mapping_is_used_and_when_a_person_is_asked():
    said = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"from a confidence of {CERTAIN_MIN:.0%} on".replace("%", " %") in said
    assert f"at least {MARGIN_MIN * 100:.0f} points behind" in said
    assert f"Below {PROPOSED_MIN:.0%}".replace("%", " %") in said
    assert f"at most {('no', 'one', 'two', 'three', 'four')[HOPS_MAX]} joins long" in said
