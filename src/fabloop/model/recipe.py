"""The production recipe: steps, their order, and the services each one uses."""

import msgspec


class RecipeStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step: a BPMN task carried out by the services in their order.

    `parameters` are what the templates are filled with; ids are those of the plan.
    """

    flow_id: str
    production_step: str
    bpmn_type: str
    previous: tuple[str, ...]
    next: tuple[str, ...]
    services: tuple[str, ...]
    parameters: dict[str, str] = {}


class ProductionRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be executed for one production order."""

    plant: str
    priority_id: int
    steps: tuple[RecipeStep, ...]
    document_version: int | None = None
