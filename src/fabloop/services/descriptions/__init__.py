"""OpenAPI documents with annotations to descriptions of services, with every fault's place."""

from fabloop.services.descriptions.literals import literal_text
from fabloop.services.descriptions.parameters import Remark
from fabloop.services.descriptions.read import Described, read

__all__ = ["Described", "Remark", "literal_text", "read"]
