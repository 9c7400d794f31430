"""``fabloop plan`` in the words that people read: steps, headlines, names, refusals."""

import json
import shutil

import pytest

from fabloop.app.demo import documents_of
from fabloop.base.errors import ExitCode, Invalid
from fabloop.cli.plan import PlanRequest, print_plans

FOLDER = documents_of("wavegear")


def told(capsys, **asked):
    code = print_plans(PlanRequest(folder=FOLDER, plans_max=1, **asked), None, as_json=False)
    return code, " ".join(capsys.readouterr().out.split())


def test_steps_are_told_with_the_zone_of_their_times(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    code, text = told(capsys, steps=True)
    assert code == ExitCode.FINE
    assert "Steps of wg-1/plan-1, times of Europe/Vienna" in text
    assert "ship Stabilizer, drilled: Graz to Vienna" in text
    assert "2026-11-23 12:30 12:36" in text
    assert "wg-1/plan-1 is ready at " in text


def test_who_is_left_out_for_its_condition_is_told_first_and_where_the_rest_is(capsys):
    _, text = told(capsys)
    rows = text.partition("Left out (12 of 30 shown; --json tells all)")[2]
    assert rows.startswith(" Operation Work unit Why Ream the stabilizer SPINNER U630 Graz ")


def test_a_wish_is_told_with_names_and_what_giving_it_up_means(capsys):
    code, text = told(capsys, forbid=("graz",))
    assert code == ExitCode.NOT_PRODUCIBLE
    assert "The request demands that Graz takes no part." in text
    assert "Would help: Let Graz take part; the product then costs " in text
    _, text = told(capsys, budget="10 EUR")
    assert "Raise the budget from 10.00 EUR to " in text
    _, text = told(capsys, pin=("ream-stabilizer=graz-u630",))
    assert "The request demands that SPINNER U630 Graz does Ream the stabilizer." in text


def test_why_not_repeats_the_question_with_names(capsys):
    asked = PlanRequest(folder=FOLDER, why=("vienna",))
    assert print_plans(asked, None, as_json=False) == ExitCode.NOT_PRODUCIBLE
    text = capsys.readouterr().out
    assert text.startswith("Why not everything at Vienna? 14 of 27 operations cannot be done ")
    asked = PlanRequest(folder=FOLDER, why=("ream-stabilizer=linz-mill",))
    assert print_plans(asked, None, as_json=False) == ExitCode.FINE
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith("Why not Ream the stabilizer on Vertical machining centre Linz?")


def test_what_a_tenant_does_not_disclose_is_told_to_be_hidden_and_how_to_ask(tmp_path):
    folder = tmp_path / "gear"
    shutil.copytree(FOLDER, folder)
    path = folder / "site-vienna.json"
    site = {**json.loads(path.read_text()), "tenant": "vw", "disclosure": "offers"}
    path.write_text(json.dumps(site))
    for asked in ({"why": ("vienna",)}, {"forbid": ("vienna-emco",)}, {"prefer": ("vienna",)}):
        with pytest.raises(Invalid, match="It belongs to vw, who does not disclose it"):
            print_plans(PlanRequest(folder=folder, **asked), None, as_json=False)


def test_a_folder_that_cannot_be_written_is_refused_before_anything_is_planned(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    with pytest.raises(Invalid, match="a folder that can be written"):
        print_plans(PlanRequest(folder=FOLDER), tmp_path / "file" / "out", as_json=False)
    assert capsys.readouterr().out == ""
