"""English clauses for every option: what would have to be done, and what that takes."""

from collections.abc import Callable

from fabloop.app.value_texts import money_text, name_text, value_text
from fabloop.app.wish_words import wish_relief, wish_value
from fabloop.model.explanation import Option, OptionCode, ReliefCode


def price_text(option: Option) -> str:
    """Return what the changes take together, where documents say it of all that are paid for."""
    every = (option, *option.also)
    said = [each.price_minor for each in every if each.price_minor is not None]
    if not said or any(each.assumed for each in every):
        return ""
    return f"; this takes {money_text(sum(said), option.currency)}"


def clause(option: Option) -> str:
    """Return what would have to be done, without a full stop."""
    say = OPTIONS.get(option.code)
    if say is None:
        return f"{option.code} {option.subject} {option.parameter}".strip()
    return say(option)


def _lifted(option: Option) -> str:
    after = wish_value(option.parameter, option.after, option.currency)
    before = wish_value(option.parameter, option.before, option.currency)
    return wish_relief(option.parameter, before, after)


def _amount(option: Option) -> str:
    before = value_text(option.before, option.dimension)
    return f"from {before} to {value_text(option.after, option.dimension)}"


OPTIONS: dict[str, Callable[[Option], str]] = {
    OptionCode.LOOSEN: lambda it: f"change {name_text(it.parameter)} of {it.subject} {_amount(it)}",
    OptionCode.CHOOSE_OTHER: lambda it: (
        f"choose {it.after} instead of {it.before} as {name_text(it.parameter)} of {it.subject}"
    ),
    ReliefCode.CHOOSE_FEATURE: lambda it: (
        f"choose {it.after or 'nothing'} instead of {it.before or 'nothing'} as {it.subject}"
    ),
    OptionCode.RESTORE_KPI: lambda it: (
        f"maintain {it.subject} until its {name_text(it.parameter)} is "
        f"{value_text(it.after, it.dimension)} instead of {value_text(it.before, it.dimension)}"
    ),
    OptionCode.MEASURE_KPI: lambda it: (
        f"measure {name_text(it.parameter)} of {it.subject} and find it within "
        f"{value_text(it.after, it.dimension)}"
    ),
    OptionCode.UPGRADE_OFFER: lambda it: (
        f"upgrade {name_text(it.parameter)} of {it.subject} {_amount(it)}"
    ),
    OptionCode.ADD_SKILL: lambda it: f"equip {it.subject} for {it.parameter}",
    OptionCode.ADD_PERSON: lambda it: (
        f"have a person with the skill {it.parameter} at {it.subject}"
    ),
    OptionCode.TRAIN_PERSON: lambda it: f"train {it.subject} for {it.parameter}",
    OptionCode.OPEN_LONGER: lambda it: (
        f"open {it.subject} for {value_text(it.after, it.dimension)} at a stretch instead of "
        f"{value_text(it.before, it.dimension)}"
    ),
    OptionCode.EXTRA_SHIFT: lambda it: (
        f"work {value_text(it.after, it.dimension)} outside its hours at {it.subject}"
    ),
    OptionCode.SPLIT_LOT: lambda it: (
        f"make {it.subject} in lots of at most {it.after} pieces instead of {it.before}"
    ),
    OptionCode.ADD_TOOL: lambda it: f"have a {it.parameter} at {it.subject} that fits",
    OptionCode.RELEASE_UNIT: lambda it: f"make {it.subject} available",
    OptionCode.ADD_LINK: lambda it: f"link {it.before} and {it.after} at {it.subject}",
    OptionCode.ADD_LANE: lambda it: f"open a lane from {it.subject} to {it.parameter}",
    ReliefCode.LIFT_WISH: _lifted,
    ReliefCode.REPLAN_BEFORE: lambda it: f"re-plan {it.subject} before that",
    ReliefCode.SPEED_UP: lambda it: (
        f"bring '{it.parameter}' of {it.subject} forward {_amount(it)} from now"
    ),
    ReliefCode.GIVE_TIME: lambda it: (
        f"give {it.subject} more time until '{it.parameter}', {_amount(it)}"
    ),
    ReliefCode.START_LATER: lambda it: (
        f"start {it.subject} {value_text(it.after, it.dimension)} later"
    ),
}
"""One clause per option code; a test keeps the table complete."""
