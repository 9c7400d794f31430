import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.adapters.arrowhead.profiles import (
    CloudName,
    Generation,
    Profile,
    check_cloud_name,
    common_name_of,
    label_of,
    pascal_of,
    subject_of,
)
from fabloop.base.errors import Invalid

SHOP = CloudName(cloud="assembly-shop", organization="car-maker")
PARTS = st.lists(st.from_regex(r"[A-Z][a-z0-9]{0,7}", fullmatch=True), min_size=1, max_size=4)


@given(PARTS.map("".join))
def test_a_system_is_known_again_by_the_label_that_five_gives_it(name):
    assert pascal_of(label_of(name, Generation.FIVE)) == name


@given(PARTS.map("".join), st.sampled_from(Generation))
def test_whom_a_certificate_names_is_whom_it_was_issued_to(name, generation):
    common_name = common_name_of(name, SHOP, generation)
    qualifier = "sy" if generation is Generation.FIVE else ""
    subject = subject_of(common_name, qualifier)
    assert subject is not None
    assert subject.cloud == SHOP
    assert subject.is_called(name)


def test_a_certificate_for_one_system_is_not_one_for_another():
    subject = subject_of("welding-robot.assembly-shop.car-maker.arrowhead.eu", "sy")
    assert subject is not None
    assert not subject.is_called("TransportRobot")
    assert subject.system == "WeldingRobot"


@pytest.mark.parametrize(
    ("common_name", "qualifier", "profile"),
    [
        ("sysop.shop.maker.arrowhead.eu", "", Profile.OPERATOR),
        ("robot.shop.maker.arrowhead.eu", "", Profile.SYSTEM),
        ("robot.shop.maker.arrowhead.eu", "op", Profile.OPERATOR),
        ("robot.shop.maker.arrowhead.eu", "de", Profile.DEVICE),
    ],
)
def test_the_profile_is_told_by_the_qualifier_and_in_four_by_the_name(
    common_name, qualifier, profile
):
    subject = subject_of(common_name, qualifier)
    assert subject is not None
    assert subject.profile is profile


@pytest.mark.parametrize(
    ("common_name", "qualifier"),
    [
        ("shop.maker.arrowhead.eu", ""),
        ("shop.maker.arrowhead.eu", "lo"),
        ("arrowhead.eu", "ma"),
        ("robot.shop.maker.example.org", ""),
        ("robot.shop.maker.arrowhead.eu", "lo"),
        ("robot.shop.maker.arrowhead.eu", "zz"),
        ("-robot.shop.maker.arrowhead.eu", ""),
        ("a.robot.shop.maker.arrowhead.eu", ""),
    ],
)
def test_what_names_no_system_is_nobody(common_name, qualifier):
    assert subject_of(common_name, qualifier) is None


def test_every_wrong_label_of_a_cloud_is_told():
    with pytest.raises(Invalid) as error:
        check_cloud_name(CloudName(cloud="1st", organization="car maker"), "certificate")
    assert [fault.path for fault in error.value.faults] == ["cloud", "organization"]


def test_a_system_whose_name_no_certificate_can_bear_is_refused():
    with pytest.raises(Invalid):
        common_name_of("Schweißroboter", SHOP, Generation.FIVE)
