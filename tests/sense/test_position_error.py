"""The budget of the total position error."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabloop.base.errors import Invalid
from fabloop.base.instant import DAY, HOUR, Instant
from fabloop.model.ids import WorkUnitId
from fabloop.sense.calibration import AxisCalibration, Calibration
from fabloop.sense.characteristics import (
    AxisCharacteristics,
    Characteristics,
    DriveData,
    Reason,
    Rejected,
)
from fabloop.sense.friction import Friction
from fabloop.sense.inertia import Inertia
from fabloop.sense.kpi import in_doubt, to_kpi
from fabloop.sense.position_error import (
    Approach,
    Basis,
    Requirement,
    SkillClass,
    TermName,
    Zone,
    as_of,
    position_error,
    vendor_error,
)
from fabloop.sense.regression import Estimate
from fabloop.sense.reversal import FrictionState, Stiffness

AT = Instant(100 * DAY)
REAMING = Requirement(
    skill=SkillClass.POINT,
    approach=Approach.BIDIRECTIONAL,
    zone=Zone.DIAMETRAL,
    axes=("X", "Y"),
    process_force_n=40.0,
    temperature_departure_k=-0.5,
)


def sure(value, uncertainty=0.0):
    return Estimate(value=value, uncertainty=uncertainty)


def axis(name="X", *, play=3.0e-6, stiffness=120e6, quadrant=4e-6, unsure=0.0, shown=None):
    force = sure(150.0)
    return AxisCharacteristics(
        axis=name,
        equability=(),
        friction=Friction(
            coulomb=force, static=force, stribeck=force, viscous=force, offset=force, curve=()
        ),
        friction_state=FrictionState(uneven=0.0, drift=0.0),
        inertia=Inertia(mass=sure(500.0), coherence=0.99),
        reverse_play=sure(0.9 * play, unsure),
        standing_play=sure(play, unsure),
        stiffness=Stiffness(stiffness=sure(stiffness), gap=sure(play / 2.0)),
        quadrant=None if quadrant is None else sure(quadrant),
        table_reversal=None if shown is None else sure(shown),
    )


def measured(*axes):
    return Characteristics(
        at=AT, program_version="daily/1", axes=axes or (axis("X"), axis("Y")), circle=None
    )


def calibrated(*, scale_feedback=False, age_days=0.0):
    each = AxisCalibration(
        systematic_m=2e-6,
        growth_m_per_day=0.01e-6,
        repeatability_m=1.2e-6,
        uncertainty_m=0.4e-6,
        compensated_reversal_m=2.5e-6,
        scale_feedback=scale_feedback,
        structure_n_per_m=60e6,
        expansion_per_k=11e-6,
        length_m=0.1,
        temperature_uncertainty_k=0.2,
        drive=DriveData(motor_mass_kg=180.0, motor_coulomb_n=20.0, pitch_m=0.01, ball_order=5.3),
    )
    return Calibration(
        reference="C-1",
        at=Instant(AT - int(age_days * DAY)),
        axes={"X": each, "Y": each},
        vendor_radial_m=8e-6,
        vendor_widening=1.25,
    )


def use(**changes):
    return msgspec.structs.replace(REAMING, **changes)


def terms_of(error, name="X"):
    found = next(each for each in error.axes if each.axis == name)
    return {term.name: term.value_m for term in found.terms}


def test_a_budget_computed_by_hand():
    error = position_error(measured(), calibrated(age_days=30.0), REAMING)
    terms = terms_of(error)
    assert terms[TermName.CALIBRATION] == pytest.approx(2.3e-6)
    assert terms[TermName.REVERSAL] == pytest.approx(0.5e-6)
    assert terms[TermName.QUADRANT] == 0.0
    assert terms[TermName.PROCESS] == pytest.approx(1.0e-6)  # 40 N / (40 N/µm)
    assert terms[TermName.THERMAL] == pytest.approx(0.55e-6)
    assert terms[TermName.REPEATABILITY] == pytest.approx(0.6e-6)
    # 2 sqrt(0.3^2 + 0.4^2 + 0.22^2) - 0.6
    assert terms[TermName.UNCERTAINTY] == pytest.approx(0.492520e-6, rel=1e-5)
    one = 5.442520e-6
    assert error.upper_m == pytest.approx(2.0 * math.sqrt(2.0) * one, rel=1e-5)
    assert error.calibration_age_ns == 30 * DAY


def test_behind_scale_feedback_counts_what_the_table_shows_and_not_the_play_of_the_screw():
    def reversal(shown, *, scale):
        found = measured(axis("X", play=9e-6, shown=shown), axis("Y"))
        error = position_error(found, calibrated(scale_feedback=scale), REAMING)
        return terms_of(error)[TermName.REVERSAL]

    assert reversal(0.1e-6, scale=True) == pytest.approx(0.1e-6)
    assert reversal(-0.2e-6, scale=True) == pytest.approx(0.2e-6)
    # A loop that is not closed over the scale, whatever was stated, shows all of it at the table.
    assert reversal(9e-6, scale=True) == pytest.approx(9e-6)
    # A compensation may be at work in the control: over the motor, play counts as ever.
    assert reversal(0.1e-6, scale=False) == pytest.approx(6.5e-6)
    # Older programs do not come to rest: then play counts as if nothing took it off.
    assert reversal(None, scale=True) == pytest.approx(6.5e-6)


@given(
    play=st.floats(0.0, 20e-6),
    stiffness=st.floats(30e6, 400e6),
    force=st.floats(0.0, 500.0),
    departure=st.floats(-10.0, 10.0),
    unsure=st.floats(0.0, 1e-6),
    skill=st.sampled_from(SkillClass),
    approach=st.sampled_from(Approach),
    zone=st.sampled_from(Zone),
)
def test_the_terms_shown_add_up_to_what_is_published(
    play, stiffness, force, departure, unsure, skill, approach, zone
):
    error = position_error(
        measured(axis("X", play=play, stiffness=stiffness, unsure=unsure), axis("Y")),
        calibrated(age_days=3.0),
        use(
            skill=skill,
            approach=approach,
            zone=zone,
            process_force_n=force,
            temperature_departure_k=departure,
        ),
    )
    for each in error.axes:
        assert sum(term.value_m for term in each.terms) == pytest.approx(each.upper_m)
        assert all(term.value_m >= 0.0 for term in each.terms)
        assert each.value_m <= each.upper_m
        assert tuple(term.name for term in each.terms) == tuple(TermName)
    factor = 2.0 if zone is Zone.DIAMETRAL else 1.0
    assert error.upper_m**2 == pytest.approx(factor**2 * sum(a.upper_m**2 for a in error.axes))
    assert error.value_m <= error.upper_m


@given(st.floats(0.0, 20e-6), st.floats(0.0, 20e-6))
def test_more_reverse_play_never_lowers_the_error(first, second):
    errors = [
        position_error(measured(axis("X", play=play), axis("Y")), calibrated(), REAMING)
        for play in sorted((first, second))
    ]
    assert errors[0].upper_m <= errors[1].upper_m
    assert errors[0].value_m <= errors[1].value_m


@given(st.floats(30e6, 400e6), st.floats(30e6, 400e6))
def test_a_softer_drive_never_lowers_the_error(first, second):
    errors = [
        position_error(measured(axis("X", stiffness=k), axis("Y")), calibrated(), REAMING)
        for k in sorted((first, second), reverse=True)
    ]
    assert errors[0].upper_m <= errors[1].upper_m


def test_an_uncertain_characteristic_widens_the_bound_but_not_the_value():
    sharp = position_error(measured(), calibrated(), REAMING)
    vague = position_error(measured(axis("X", unsure=1e-6), axis("Y")), calibrated(), REAMING)
    assert vague.value_m == sharp.value_m
    assert vague.upper_m > sharp.upper_m


@pytest.mark.parametrize(
    ("approach", "scale_feedback", "counts"),
    [
        (Approach.BIDIRECTIONAL, True, True),
        (Approach.BIDIRECTIONAL, False, True),
        (Approach.UNIDIRECTIONAL, False, True),
        (Approach.UNIDIRECTIONAL, True, False),
    ],
)
def test_reverse_play_is_left_out_only_where_it_cannot_act(approach, scale_feedback, counts):
    error = position_error(
        measured(), calibrated(scale_feedback=scale_feedback), use(approach=approach)
    )
    assert (terms_of(error)[TermName.REVERSAL] > 0.0) is counts


def test_quadrant_errors_count_for_milling_a_bore_but_not_for_reaming_it():
    reamed = position_error(measured(), calibrated(), REAMING)
    milled = position_error(measured(), calibrated(), use(skill=SkillClass.CONTOUR))
    assert terms_of(reamed)[TermName.QUADRANT] == 0.0
    assert terms_of(milled)[TermName.QUADRANT] == 4e-6


def test_a_diametral_zone_doubles_the_radial_error():
    radial = position_error(measured(), calibrated(), use(zone=Zone.RADIAL))
    diametral = position_error(measured(), calibrated(), REAMING)
    assert diametral.upper_m == pytest.approx(2.0 * radial.upper_m)


def test_with_a_reference_only_the_play_that_came_since_counts():
    plain = calibrated()
    axes = {
        name: msgspec.structs.replace(each, reference_play_m=2.8e-6)
        for name, each in plain.axes.items()
    }
    error = position_error(measured(), msgspec.structs.replace(plain, axes=axes), REAMING)
    assert terms_of(error)[TermName.REVERSAL] == pytest.approx(0.2e-6)


def test_only_the_axes_of_the_use_take_part():
    error = position_error(measured(), calibrated(), use(axes=("Y",), zone=Zone.RADIAL))
    assert [each.axis for each in error.axes] == ["Y"]
    assert error.upper_m == error.axes[0].upper_m


def test_an_old_measurement_gives_way_to_the_vendors_value_widened():
    error = position_error(measured(), calibrated(), REAMING)
    assert as_of(error, calibrated(), Instant(AT + 36 * HOUR)) == error
    stale = as_of(error, calibrated(), Instant(AT + 36 * HOUR + 1))
    assert stale.basis is Basis.VENDOR
    assert stale.upper_m == pytest.approx(2.0 * 8e-6 * 1.25)
    assert "36.0 h old" in stale.reasons[0].text
    assert stale.axes == ()


def test_a_rejected_measurement_carries_its_reasons_and_no_terms():
    reasons = (Reason(axis="X", characteristic="inertia", text="coherence 0.4"),)
    error = vendor_error(Rejected(at=AT, reasons=reasons), calibrated(), REAMING)
    assert error.reasons == reasons
    assert error.basis is Basis.VENDOR
    assert error.value_m < error.upper_m


def test_every_fault_of_a_use_is_reported_at_once():
    with pytest.raises(Invalid) as raised:
        position_error(
            measured(axis("X", quadrant=None)),
            calibrated(age_days=-1.0),
            use(skill=SkillClass.CONTOUR, axes=("X", "A")),
        )
    text = str(raised.value)
    assert "a circle in the test program" in text
    assert "an axis of the test program, but found 'A'" in text
    assert "a calibrated axis, but found 'A'" in text
    assert "a calibration before the measurement" in text


def test_a_use_without_axes_is_refused():
    with pytest.raises(Invalid, match="at least one axis"):
        position_error(measured(), calibrated(), use(axes=()))


def test_the_kpi_shows_bound_terms_and_where_it_comes_from():
    error = position_error(measured(), calibrated(), REAMING)
    kpi = to_kpi(error, WorkUnitId("mill"))
    assert (kpi.value, kpi.upper, kpi.at) == (error.value_m, error.upper_m, AT)
    assert kpi.source == "tpe/1, diametral, test program daily/1, calibration C-1"
    assert [term.axis for term in kpi.terms] == ["X"] * 7 + ["Y"] * 7
    assert kpi.is_valid(Instant(AT + 36 * HOUR))
    assert not kpi.is_valid(Instant(AT + 37 * HOUR))


def test_the_kpi_of_a_rejected_measurement_names_the_vendor():
    kpi = to_kpi(vendor_error(Rejected(at=AT, reasons=()), calibrated(), REAMING), WorkUnitId("m"))
    assert kpi.source == "tpe/1, diametral, vendor, widened"
    assert kpi.terms == ()


@given(known=st.floats(1e-6, 50e-6), widening=st.floats(1.0, 3.0), rejections=st.integers(1, 4))
def test_a_bound_in_doubt_is_never_narrower_and_widened_once(known, widening, rejections):
    calibration = msgspec.structs.replace(calibrated(), vendor_widening=widening)
    lost = Rejected(at=AT, reasons=(Reason(axis="", characteristic="", text="lost"),))
    vendor = to_kpi(vendor_error(lost, calibration, REAMING), WorkUnitId("mill"))
    last = to_kpi(position_error(measured(), calibrated(), REAMING), WorkUnitId("mill"))
    last = msgspec.structs.replace(last, upper=known)
    found = last
    for _ in range(rejections):
        found = in_doubt(found, vendor, "lost")
    assert found.upper == pytest.approx(max(widening * known, vendor.upper))
    assert (found.at, found.value, found.doubt) == (last.at, last.value, "lost")
    assert in_doubt(last, None, "lost").upper == pytest.approx(1.25 * known)
