"""What is found on the public graded collection does not get worse."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("FABLOOP_DATA", "../shared/data")) / "services"


def test_names_and_words_alone_find_most_of_the_public_collection(monkeypatch):
    if not DATA.is_dir():
        pytest.skip(f"no graded collection in {DATA}: set FABLOOP_DATA")
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "bench"))
    import discovery

    from fabloop.services.discovery.index import Index
    from fabloop.services.discovery.likeness import Dictionary, Likeness
    from fabloop.services.discovery.rank import Weights

    services = [
        discovery.service(name, each) for name, each in discovery.load("services.json").items()
    ]
    requests = discovery.load("requests-open.json")
    index = Index(services, Likeness(Dictionary()))
    figures = [discovery.judged(index, each, Weights())[0] for each in requests]
    assert sum(figures) / len(figures) >= 0.75
