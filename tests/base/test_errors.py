"""The error tree: sentences and what follows from a class."""

from fabloop.base import errors
from fabloop.base.errors import Conflict, ExitCode, FabloopError, Fault, Invalid, NotFound
from fabloop.base.names import did_you_mean


def test_a_fault_names_place_expectation_finding_and_remedy():
    fault = Fault(
        source="site.json",
        path="$.power",
        expected="a power",
        found="'3 kg'",
        hint="Write '3 kW'.",
    )
    assert fault.sentence() == (
        "site.json $.power: Expected a power, but found '3 kg'. Write '3 kW'."
    )


def test_an_invalid_input_tells_every_fault():
    faults = [Fault(source="a", path=p, expected="x", found="y") for p in ("$.p", "$.q")]
    assert str(Invalid(faults)).count("Expected x") == 2


def test_exit_codes_and_http_status_follow_from_the_class():
    assert NotFound.exit_code is ExitCode.BAD_INPUT
    assert (NotFound.http_status, Conflict.http_status, Invalid.http_status) == (404, 409, 422)


def test_every_error_class_stands_in_the_drawn_tree():
    classes = [
        name
        for name, each in vars(errors).items()
        if isinstance(each, type) and issubclass(each, FabloopError)
    ]
    assert len(classes) == 8
    assert all(name in (errors.__doc__ or "") for name in classes)


def test_near_names_are_suggested_and_few_names_are_listed():
    assert did_you_mean("reem", ["ream", "mill"]) == "Did you mean 'ream'?"
    assert did_you_mean("zzz", ["ream", "mill"]) == "Known are: mill, ream."
    assert did_you_mean("zzz", []) == "None is known."
