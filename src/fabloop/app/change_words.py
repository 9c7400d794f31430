"""Why a new plan changes what nothing endangers by itself, as sentences."""

from fabloop.app.saying import Say, plain, with_evidence
from fabloop.model.explanation import ChangeCode

CHANGES: dict[str, Say] = {
    ChangeCode.MOVES_BY_NEED: plain(
        "{subject} moves along: it is among the {fewest} that any plan has to move at least."
    ),
    ChangeCode.MOVES_FOR_GAIN: with_evidence(
        "{subject} moves because that pays: {moved} move in all where {fewest} have to"
    ),
    ChangeCode.AFTER_INPUT: plain("{subject} begins when what {made_by} makes is there."),
    ChangeCode.AFTER_STEP: plain("{subject} begins when {work_unit} is done with {before}."),
    ChangeCode.AFTER_OTHERS: plain("{subject} begins when others leave {work_unit} free."),
    ChangeCode.AS_SOON_AS_OPEN: plain(
        "{subject} begins as soon as hours, persons, tools and material allow."
    ),
    ChangeCode.OTHER_WAY: plain("{subject} belongs to another way of working that is taken now."),
}
