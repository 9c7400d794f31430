"""Prints what decision models cost, and how many results of the DMN compatibility kit agree.

Run: ``python bench/dmn.py``. The kit is found through ``FABLOOP_DATA``.
"""

import runpy
import timeit
from collections.abc import Callable
from pathlib import Path

import pytest

from fabloop.feel.dmn import read_dmn

KIT = Path(__file__).parents[1] / "tests/conformance/test_dmn_tck.py"
NAMESPACE = "https://www.omg.org/spec/DMN/20230324/MODEL/"


def microseconds(work: Callable[[], object], rounds: int) -> float:
    """Return the time of one call: the best of five series."""
    return min(timeit.repeat(work, number=rounds, repeat=5)) / rounds * 1e6


def table(rules: int, *, coded: bool) -> bytes:
    """Return a model with one table: a step of a range per rule, and a code where there are."""
    codes = '"c{}", "d{}"' if coded else "-"
    rows = "".join(
        f"<rule><inputEntry><text>[{at * 10}..{at * 10 + 10})</text></inputEntry>"
        f"<inputEntry><text>{codes.format(at % 7, at)}</text></inputEntry>"
        f"<outputEntry><text>{at}</text></outputEntry></rule>"
        for at in range(rules)
    )
    return f"""<definitions xmlns="{NAMESPACE}" name="bench" namespace="urn:bench">
      <inputData id="amount" name="Amount"><variable name="Amount" typeRef="number"/></inputData>
      <inputData id="code" name="Code"><variable name="Code" typeRef="string"/></inputData>
      <decision id="grade" name="Grade"><variable name="Grade" typeRef="number"/>
        <informationRequirement><requiredInput href="#amount"/></informationRequirement>
        <informationRequirement><requiredInput href="#code"/></informationRequirement>
        <decisionTable id="t" hitPolicy="UNIQUE">
          <input><inputExpression typeRef="number"><text>Amount</text></inputExpression></input>
          <input><inputExpression typeRef="string"><text>Code</text></inputExpression></input>
          <output typeRef="number"/>{rows}
        </decisionTable>
      </decision></definitions>""".encode()


def costs() -> None:
    """Print the time of reading and of evaluating tables whose last rule matches."""
    for rules in (10, 100, 1000):
        for coded in (True, False):
            data = table(rules, coded=coded)
            last = {"Amount": rules * 10 - 5, "Code": f"d{rules - 1}"}
            model = read_dmn(data)
            assert model.evaluate("Grade", last).value == rules - 1
            reading = microseconds(lambda d=data: read_dmn(d), 1) / 1000
            cost = microseconds(lambda m=model, i=last: m.evaluate("Grade", i), 20_000 // rules)
            how = "range and code" if coded else "range only"
            print(f"{rules} rules, {how}: compile {reading:.1f} ms, evaluate {cost:.1f} us")


def conformance() -> None:
    """Print how many results agree, if the kit is there."""
    kit = runpy.run_path(str(KIT))
    for level in kit["LEVELS"]:
        try:
            found = kit["runs_of"](level)
        except pytest.skip.Exception as reason:
            print(f"{level}: not run, {reason}")
            continue
        count = sum(run.total for run in found)
        agree = count - sum(len(run.misses) for run in found)
        print(f"{level}: {agree} of {count} results agree ({agree / count:.2%})")


if __name__ == "__main__":
    costs()
    conformance()
