"""What may be done about a deviation by itself, up to what, and who decides beyond that."""

from fabloop.model.documents.policy import policy_of as policy_of
from fabloop.model.policy import BUDGET_NS as BUDGET_NS
from fabloop.model.policy import RETRY_BUDGET_NS as RETRY_BUDGET_NS
from fabloop.model.policy import Instead as Instead
from fabloop.model.policy import Policy as Policy
from fabloop.model.policy import Rung as Rung
from fabloop.model.policy import RungRule as RungRule
from fabloop.model.policy import Severity as Severity
