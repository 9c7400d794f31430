"""A folder of documents to knowledge: what is read, and what is said where nothing can be."""

import pytest

from fabloop.adapters.documents import documents_in, read_knowledge, read_order
from fabloop.base.errors import Invalid
from fabloop.model.documents import resolve
from fabloop.model.documents.texts import DOCUMENTS_MAX, FILE_BYTES_MAX
from model.small_shop import small_shop, written


@pytest.fixture
def folder(tmp_path):
    for name, data in written(small_shop()).items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_folder_says_what_its_documents_say(folder):
    assert read_knowledge(folder) == resolve(written(small_shop()))


def test_other_files_and_folders_are_passed_over(folder):
    (folder / "README.md").write_text("no document")
    (folder / "more").mkdir()
    (folder / "more" / "bad.json").write_text("{")
    assert sorted(documents_in(folder)) == sorted(small_shop())


def test_an_order_is_read_from_its_file(folder):
    order = read_order(folder / "order.json", read_knowledge(folder).families)
    assert order.product == "hinge"


def test_faults_name_the_file(folder):
    (folder / "graz.json").write_text("{")
    with pytest.raises(Invalid, match=r"^graz\.json line 1, column 2: Expected JSON"):
        read_knowledge(folder)


def test_a_missing_folder_is_told(tmp_path):
    with pytest.raises(Invalid, match="nowhere: Expected a folder with documents, but found noth"):
        read_knowledge(tmp_path / "nowhere")


def test_a_file_instead_of_a_folder_is_told(folder):
    with pytest.raises(Invalid, match="Expected a folder with documents, but found a file"):
        read_knowledge(folder / "graz.json")


def test_an_empty_folder_is_told(tmp_path):
    with pytest.raises(Invalid, match=r"Expected documents \(\*\.json\) in the folder, but found"):
        read_knowledge(tmp_path)


def test_a_missing_order_is_told(tmp_path):
    with pytest.raises(Invalid, match=r"order\.json: Expected a file that can be read, but found"):
        read_order(tmp_path / "order.json", {})


def test_a_folder_in_the_place_of_a_document_is_told(folder):
    (folder / "odd.json").mkdir()
    with pytest.raises(Invalid, match=r"odd\.json: Expected a file that can be read"):
        read_knowledge(folder)


def test_a_file_beyond_the_size_limit_is_not_read_to_its_end(folder):
    with (folder / "large.json").open("wb") as stream:
        stream.truncate(50 * FILE_BYTES_MAX)
    assert len(documents_in(folder)["large.json"]) == FILE_BYTES_MAX + 1
    with pytest.raises(Invalid, match=r"large\.json \$: Expected a document of at most 16384 KiB"):
        read_knowledge(folder)


def test_too_many_documents_are_told_before_they_are_read(tmp_path):
    for number in range(DOCUMENTS_MAX + 1):
        (tmp_path / f"{number}.json").touch()
    with pytest.raises(Invalid, match=f"Expected at most {DOCUMENTS_MAX} documents"):
        read_knowledge(tmp_path)
