"""Finds services by what is meant, not by their names."""

from fabloop.services.discovery.conditions import Circumstances
from fabloop.services.discovery.find import Findings, Hit, find
from fabloop.services.discovery.index import Entry, Index
from fabloop.services.discovery.intent import Intent, understood
from fabloop.services.discovery.likeness import Dictionary, Likeness
from fabloop.services.discovery.rank import Wanted, Weights, rank
from fabloop.services.discovery.thesaurus import of_trade, of_vocabulary

__all__ = [
    "Circumstances",
    "Dictionary",
    "Entry",
    "Findings",
    "Hit",
    "Index",
    "Intent",
    "Likeness",
    "Wanted",
    "Weights",
    "find",
    "of_trade",
    "of_vocabulary",
    "rank",
    "understood",
]
