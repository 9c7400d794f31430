"""How many pieces of what each operation makes go into one piece of the product."""

from collections.abc import Iterable, Mapping

import msgspec

from fabloop.base.errors import Fault, Invalid
from fabloop.model.ids import MaterialId, OperationId, ProductId
from fabloop.model.product import Material, Operation

PIECES_PER_PRODUCT_MAX = 1_000_000


def counted(
    operations: tuple[Operation, ...], materials: Iterable[Material], product: ProductId
) -> tuple[Operation, ...]:
    """Return the operations with how many of their outputs go into one product.

    Of `materials` with the same id the last one counts.

    Raises
    ------
    Invalid
        That is more than `PIECES_PER_PRODUCT_MAX` of one material.
    """
    parts = {each.id: _parts(each) for each in materials}
    by_id = {each.id: each for each in operations}
    outputs = frozenset(each.output for each in operations)
    takers = {source: each.id for each in operations for source in each.inputs}
    count: dict[OperationId, int] = {}
    for start in operations:
        way = [start.id]
        while way[-1] not in count and way[-1] in takers:
            way.append(takers[way[-1]])
        count.setdefault(way[-1], 1)
        for name in reversed(way[:-1]):
            taker = takers[name]
            amount = _amount_in(by_id[taker].output, by_id[name].output, parts, outputs)
            count[name] = count[taker] * amount
    for each in operations:
        if count[each.id] > PIECES_PER_PRODUCT_MAX:
            raise Invalid(
                Fault(
                    source=product,
                    path="$.materials",
                    expected=f"at most {PIECES_PER_PRODUCT_MAX} pieces of a material in a product",
                    found=f"{count[each.id]} of {each.output!r}",
                )
            )
    return tuple(msgspec.structs.replace(each, per_product=count[each.id]) for each in operations)


def _parts(material: Material) -> dict[MaterialId, int]:
    return {part: material.amounts.get(part, 1) for part in material.made_of}


def _amount_in(
    whole: MaterialId,
    part: MaterialId,
    parts: Mapping[MaterialId, Mapping[MaterialId, int]],
    outputs: frozenset[MaterialId],
) -> int:
    """Return how many of a part go into a whole; 1 where none is told.

    Between them may lie materials that no operation makes, because it is left out.
    """
    total, level = 0, {whole: 1}
    for _ in parts:
        below: dict[MaterialId, int] = {}
        for each, amount in level.items():
            for name, count in parts.get(each, {}).items():
                if name == part:
                    total += amount * count
                elif name not in outputs:
                    below[name] = below.get(name, 0) + amount * count
        if not below or total > PIECES_PER_PRODUCT_MAX:
            break
        level = below
    return total or 1
