"""The most tokens that each place holds in any marking seen."""

from fabloop.process.verify.flat import FlatNet


class Peaks:
    """Looked at only where a firing puts more on a place than it takes; `most` is per place."""

    def __init__(self, net: FlatNet, width: int) -> None:
        places = [frozenset(place.fields) for place in net.places]
        self.most = [sum(net.initial[field] for field in place) for place in places]
        self._low = [sum(1 << field * width for field in place) for place in places]
        self._bits = range(1, width - 1)
        self._more = [sum(low << bit for bit in self._bits) for low in self._low]
        self.grown_by = [
            tuple(
                number
                for number, place in enumerate(places)
                if sum(each.post.get(f, 0) - each.pre.get(f, 0) for f in each.post if f in place)
                - sum(count for f, count in each.pre.items() if f in place and f not in each.post)
                > 0
                or any(refund.to in place for refund in each.refunds)
            )
            for each in net.transitions
        ]

    def note(self, marking: int, number: int) -> None:
        """Look at a marking that a transition led to for the first time."""
        for place in self.grown_by[number]:
            low = self._low[place]
            held = (marking & low).bit_count()
            if marking & self._more[place]:  # a field holds more than one
                for bit in self._bits:
                    held += (marking >> bit & low).bit_count() << bit
            if held > self.most[place]:
                self.most[place] = held
