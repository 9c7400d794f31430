"""Identifiers as distinct types, so that a lot is never passed where a work unit is meant."""

from typing import NewType

SkillId = NewType("SkillId", str)
EquipmentTypeId = NewType("EquipmentTypeId", str)
SiteId = NewType("SiteId", str)
AreaId = NewType("AreaId", str)
WorkUnitId = NewType("WorkUnitId", str)
PersonId = NewType("PersonId", str)
LaneId = NewType("LaneId", str)
ProductId = NewType("ProductId", str)
MaterialId = NewType("MaterialId", str)
OperationId = NewType("OperationId", str)
OrderId = NewType("OrderId", str)
PlanId = NewType("PlanId", str)
ToolId = NewType("ToolId", str)
LotId = NewType("LotId", str)
ServiceId = NewType("ServiceId", str)
SystemName = NewType("SystemName", str)
SourceId = NewType("SourceId", str)
OperationName = NewType("OperationName", str)
GoalId = NewType("GoalId", str)
ControllerId = NewType("ControllerId", str)
SignalId = NewType("SignalId", str)
KpiId = NewType("KpiId", str)
"""Kind of key performance indicator, such as ``total-position-error``."""
