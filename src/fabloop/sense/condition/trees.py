"""Boosted trees as plain columns: what was learnt elsewhere is evaluated with numpy alone."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabloop.sense.spc.samples import Floats

DEPTH_MAX = 64

Numbers = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """Nodes of all trees, one after the other; the prediction is the sum of the leaves reached.

    Attributes
    ----------
    roots : shape (t,), number of each tree's first node
    feature : shape (k,), column that a node asks for; -1 for a leaf
    threshold : up to it, left
    left, right : nodes that follow
    lost_left : whether an unknown value goes left
    value : expected prediction of the tree at the node; of a leaf, the prediction
    """

    roots: Numbers
    feature: Numbers
    threshold: Floats
    left: Numbers
    right: Numbers
    lost_left: NDArray[np.bool_]
    value: Floats

    def predict(self, rows: Floats) -> Floats:
        """Return the predictions for rows of shape (n, f); NaN is unknown."""
        return np.array([self.explain(row)[0] for row in rows], dtype=np.float64)

    def explain(self, row: Floats) -> tuple[float, float, Floats]:
        """Return prediction, what it is without looking, and what each feature adds, shape (f,).

        Notes
        -----
        A split adds the change of the expected prediction along the path (A. Saabas 2014); the
        parts and what it is without looking add up to the prediction.
        """
        at = self.roots
        parts = np.zeros(len(row))
        for _ in range(DEPTH_MAX):
            asked = self.feature[at]
            inner = asked >= 0
            if not inner.any():
                break
            seen = row[np.where(inner, asked, 0)]
            goes_left = np.where(np.isnan(seen), self.lost_left[at], seen <= self.threshold[at])
            after = np.where(inner, np.where(goes_left, self.left[at], self.right[at]), at)
            change = self.value[after] - self.value[at]
            parts += np.bincount(asked[inner], weights=change[inner], minlength=len(row))
            at = after
        base = float(self.value[self.roots].sum())
        return float(self.value[at].sum()), base, parts


def trees_of(dumped: dict[str, Any]) -> Trees:
    """Return the trees of a LightGBM model dumped as JSON (``booster.dump_model()``).

    Where a feature was never unknown in training, an unknown value goes where most went: LightGBM
    would take it for 0.
    """
    rows: list[list[float]] = []
    roots = [_grown(each["tree_structure"], rows) for each in dumped["tree_info"]]
    table = np.array(rows, dtype=np.float64).reshape(-1, 6)
    whole = table[:, [0, 2, 3]].astype(np.int32)
    return Trees(
        roots=np.array(roots, dtype=np.int32),
        feature=np.ascontiguousarray(whole[:, 0]),
        threshold=table[:, 1].copy(),
        left=np.ascontiguousarray(whole[:, 1]),
        right=np.ascontiguousarray(whole[:, 2]),
        lost_left=table[:, 4] > 0,
        value=table[:, 5].copy(),
    )


def _grown(node: dict[str, Any], rows: list[list[float]]) -> int:
    number = len(rows)
    if "leaf_value" in node:
        rows.append([-1, 0.0, number, number, 0, node["leaf_value"]])
        return number
    assert node["decision_type"] == "<=", "categories are never trained"
    rows.append([node["split_feature"], node["threshold"], 0, 0, 0, node["internal_value"]])
    left = _grown(node["left_child"], rows)
    right = _grown(node["right_child"], rows)
    if node["missing_type"] == "NaN":
        lost_left = node["default_left"]
    else:
        lost_left = _count(node["left_child"]) >= _count(node["right_child"])
    rows[number][2:5] = [left, right, float(lost_left)]
    return number


def _count(node: dict[str, Any]) -> int:
    return int(node.get("internal_count", node.get("leaf_count", 0)))
