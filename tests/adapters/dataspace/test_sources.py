"""Sources of every kind: the same recipes in each, filled by the same target."""

import json
import sqlite3

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fabloop.adapters.dataspace import Found, NothingAt, Over, Sources
from fabloop.base.errors import Invalid, NotFound, Unavailable
from fabloop.dataspace.anchors import Wish
from fabloop.dataspace.describe import Source, Space
from fabloop.dataspace.discover import discover
from fabloop.dataspace.finish import finish
from fabloop.dataspace.likeness import Judge
from fabloop.dataspace.mapping import Certain, Expression, Filter, Join, Mapping, Output, Spot, Use
from fabloop.dataspace.notation import parse
from fabloop.dataspace.schema import ColumnKind, LinkKind
from fabloop.dataspace.statements import local_name
from fabloop.dataspace.target import Given
from fabloop.model.documents.data_structs import (
    FilesEntry,
    HttpEntry,
    NgsiEntry,
    PostgresEntry,
    RdfEntry,
    SqliteEntry,
    StreamEntry,
)
from muffin_space import INGREDIENTS, RECIPES, served
from postgres_server import binaries, postgres_server

LINES = [
    (recipe["type"], each["name"], each["qty"])
    for recipe in RECIPES
    for each in recipe["ingredients"]
]
TABLES = """
CREATE TABLE recipe (id INTEGER PRIMARY KEY, type TEXT UNIQUE, title TEXT);
CREATE TABLE material (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE recipe_ingredient (
  recipe_id INTEGER REFERENCES recipe (id), material_id INTEGER REFERENCES material (id), qty TEXT);
"""


def space_of(access, name="recipes"):
    return Space(sources=(Source(id=name, label=name, access=access, timeout_ns=5 * 10**9),))


def filled(access, folder):
    sources = Sources(space_of(access), folder)
    try:
        target = parse(INGREDIENTS)
        given = {"type": ("type 1",), "num": (12,)}
        schema = sources.schema()
        assert schema.silent == {}
        found = discover(Wish(target=target, given=given), schema, Judge(sources.thesaurus))
        assert isinstance(found, Certain), found
        rows = sources.run(found.best.expression, given, 100)
        assert isinstance(rows, Found), rows
        mapping = Mapping(target=target.text, version=1, expression=found.best.expression,
                          confidence=1, evidence=(), footing=(), at=0)  # fmt: skip
        answer = finish(target, mapping, rows.rows, given, {"y": "g"})
        return {(r["x"], r["num*?y"], r.get("num*?y unit", "")) for r in answer.rows}
    finally:
        sources.close()


EXPECTED = {("yoghurt", 900, "g"), ("blueberry", 360, "g"), ("egg", 24, ""), ("flour", 1320, "g")}


def inserts():
    names = list(dict.fromkeys(name for _, name, _ in LINES))
    for number, recipe in enumerate(RECIPES, 1):
        yield "recipe", (number, recipe["type"], recipe["title"])
    for number, name in enumerate(names, 1):
        yield "material", (number, name)
    types = [recipe["type"] for recipe in RECIPES]
    for kind, name, qty in LINES:
        yield "recipe_ingredient", (types.index(kind) + 1, names.index(name) + 1, qty)


def test_nested_json(tmp_path):
    (tmp_path / "recipes.json").write_text(json.dumps({"recipes": RECIPES, "version": 3}))
    assert filled(FilesEntry(path="recipes.json"), tmp_path) == EXPECTED


def test_json_by_key(tmp_path):
    content = {r["type"]: {k: v for k, v in r.items() if k != "type"} for r in RECIPES}
    (tmp_path / "muffin_types.json").write_text(json.dumps(content))
    entry = FilesEntry(path="muffin_types.json")
    sources = Sources(space_of(entry), tmp_path)
    table = sources.schema().tables["recipes.muffin_types"]
    assert table.column("key").values
    assert set(table.column("key").values) == {"type 1", "type 2", "type 3"}
    sources.close()


def test_lines_of_json(tmp_path):
    (tmp_path / "recipes.ndjson").write_text("".join(f"{json.dumps(r)}\n" for r in RECIPES))
    assert filled(FilesEntry(path="recipes.ndjson"), tmp_path) == EXPECTED


def test_one_wide_csv(tmp_path):
    lines = ["type,ingredient,quantity", *(",".join(line) for line in LINES)]
    (tmp_path / "recipe_lines.csv").write_text("\n".join(lines))
    assert filled(FilesEntry(path="recipe_lines.csv"), tmp_path) == EXPECTED


def test_a_folder_of_csv_whose_tables_are_linked_by_values(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    heads = {
        "recipe": "id,type,title",
        "material": "id,name",
        "recipe_ingredient": "recipe_id,material_id,qty",
    }
    texts = {name: [head] for name, head in heads.items()}
    for name, row in inserts():
        texts[name].append(",".join(map(str, row)))
    for name, rows in texts.items():
        (folder / f"{name}.csv").write_text("\n".join(rows))
    (folder / "readme.txt").write_text("not a table")
    assert filled(FilesEntry(path="tables"), tmp_path) == EXPECTED


def test_parquet(tmp_path):
    columns = zip(*LINES, strict=True)
    table = pa.table(dict(zip(("type", "ingredient", "qty"), map(list, columns), strict=True)))
    pq.write_table(table, tmp_path / "lines.parquet")
    assert filled(FilesEntry(path="lines.parquet"), tmp_path) == EXPECTED


def test_sqlite_with_declared_references(tmp_path):
    connection = sqlite3.connect(tmp_path / "recipes.db")
    connection.executescript(TABLES)
    for table, row in inserts():
        connection.execute(f"INSERT INTO {table} VALUES ({','.join('?' * len(row))})", row)
    connection.commit()
    connection.close()
    assert filled(SqliteEntry(file="recipes.db"), tmp_path) == EXPECTED
    sources = Sources(space_of(SqliteEntry(file="recipes.db")), tmp_path)
    schema = sources.schema()
    declared = {str(each.many) for each in schema.links if each.kind is LinkKind.DECLARED}
    assert declared == {
        "recipes.recipe_ingredient.recipe_id",
        "recipes.recipe_ingredient.material_id",
    }
    sources.close()


@pytest.mark.skipif(binaries() is None, reason="PostgreSQL is not installed")
def test_postgresql_and_what_it_says_when_it_is_gone(tmp_path, monkeypatch):
    with postgres_server() as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLES)
            for table, row in inserts():
                marks = ",".join(["%s"] * len(row))
                connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)
        entry = PostgresEntry(url=url)
        assert filled(entry, tmp_path) == EXPECTED
        secret = PostgresEntry(url=url, password_from="FABLOOP_TEST_PASSWORD")
        sources = Sources(space_of(secret), tmp_path)
        assert "FABLOOP_TEST_PASSWORD" in sources.schema().silent["recipes"]
        monkeypatch.setenv("FABLOOP_TEST_PASSWORD", "trusted anyway")
        assert sources.schema().silent == {}
        sources.close()
        left = Sources(space_of(entry), tmp_path)
        assert left.schema().tables
    assert "Expected the source 'recipes' to answer" in left.schema().silent["recipes"]
    left.close()


def test_rdf_with_nameless_nodes(tmp_path):
    def line(recipe):
        parts = " , ".join(
            f'[ :name "{each["name"]}" ; :qty "{each["qty"]}" ]' for each in recipe["ingredients"]
        )
        number = recipe["type"][-1]
        return f':m{number} a :Muffin ; :type "{recipe["type"]}" ; :hasIngredient {parts} .'

    text = "@prefix : <http://muffin.example/> .\n" + "\n".join(map(line, RECIPES))
    (tmp_path / "recipes.ttl").write_text(text)
    assert filled(RdfEntry(file="recipes.ttl"), tmp_path) == EXPECTED
    assert local_name("http://muffin.example/ns#qty") == "qty"


def test_rdf_with_named_nodes_that_refer_to_each_other(tmp_path):
    lines = ["@prefix : <http://muffin.example/> ."]
    for recipe in RECIPES:
        number = recipe["type"][-1]
        names = [f":m{number}p{at}" for at, _ in enumerate(recipe["ingredients"])]
        lines.append(f':m{number} a :Muffin ; :type "{recipe["type"]}" .')
        lines += [f":m{number} :hasIngredient {name} ." for name in names]
        lines += [
            f'{name} a :Ingredient ; :name "{each["name"]}" ; :qty "{each["qty"]}" .'
            for name, each in zip(names, recipe["ingredients"], strict=True)
        ]
    (tmp_path / "recipes.ttl").write_text("\n".join(lines))
    assert filled(RdfEntry(file="recipes.ttl"), tmp_path) == EXPECTED


def test_a_table_of_statements(tmp_path):
    """As the data space is drawn in the paper: recipes modelled as triples."""
    lines = ["subject,predicate,object"]
    for recipe in RECIPES:
        for number, each in enumerate(recipe["ingredients"]):
            part = f"{recipe['type']}/{number}"
            lines += [
                f"{recipe['type']},has ingredient,{part}",
                f"{part},name,{each['name']}",
                f"{part},qty,{each['qty']}",
            ]
    (tmp_path / "facts.csv").write_text("\n".join(lines))
    assert filled(FilesEntry(path="facts.csv"), tmp_path) == EXPECTED


def test_ngsi_ld_with_units_by_code(tmp_path):
    entities = []
    for recipe in RECIPES:
        kind = f"urn:ngsi-ld:Recipe:{recipe['type'][-1]}"
        entities.append({"id": kind, "type": "Recipe", "type_name": _property(recipe["type"])})
        for number, each in enumerate(recipe["ingredients"]):
            amount, _, unit = each["qty"].partition(" ")
            code = {"code": {"gr": "GRM", "kg": "KGM", "": "C62"}[unit]}["code"]
            entities.append(
                {
                    "id": f"{kind}:{number}",
                    "type": "Ingredient",
                    "recipe": {"type": "Relationship", "object": kind},
                    "name": _property(each["name"]),
                    "qty": {"type": "Property", "value": float(amount), "unitCode": code},
                }
            )
    with served(lambda path: (200, json.dumps(entities).encode())) as url:
        found = filled(NgsiEntry(url=f"{url}/ngsi-ld/v1/entities"), tmp_path)
    assert found == EXPECTED


def _property(value):
    return {"type": "Property", "value": value}


def test_an_http_api_with_rows_within_its_answer(tmp_path):
    body = json.dumps({"data": {"items": RECIPES}, "next": None}).encode()
    with served(lambda path: (200, body)) as url:
        entry = HttpEntry(url=url, table="recipes", rows="/data/items")
        assert filled(entry, tmp_path) == EXPECTED
        lost = Sources(space_of(HttpEntry(url=url, rows="/data/rows")), tmp_path)
        assert "no 'rows' there" in lost.schema().silent["recipes"]
        lost.close()


def test_a_stream_that_is_appended_to_a_file_shows_the_latest(tmp_path):
    file = tmp_path / "kpis.ndjson"
    file.write_text("".join(f'{{"kpi": "oee", "value": 0.{n}}}\n' for n in range(1, 6)))
    sources = Sources(space_of(StreamEntry(file="kpis.ndjson", latest=2, table="kpis")), tmp_path)
    (table,) = sources.schema().tables.values()
    assert set(table.column("value").values) == {"0.4", "0.5"}
    sources.close()


def test_a_stream_remembers_no_more_than_the_latest_rows(tmp_path):
    sources = Sources(space_of(StreamEntry(latest=3)), tmp_path)
    sources.take("recipes", [{"n": n} for n in range(10)])
    (table,) = sources.schema().tables.values()
    assert set(table.column("n").values) == {"7", "8", "9"}
    sources.close()


@pytest.mark.parametrize(
    ("file", "content", "access", "told"),
    [
        ("a.json", b"{", FilesEntry(path="a.json"), "Expected JSON"),
        ("a.ndjson", b'{"a": 1}\n{', FilesEntry(path="a.ndjson"), "a.ndjson line 2"),
        ("a.parquet", b"nothing", FilesEntry(path="a.parquet"), "a table that can be read"),
        ("a.ttl", b":a :b", RdfEntry(file="a.ttl"), "Expected RDF"),
        ("a.foo", b"", RdfEntry(file="a.foo"), "a name that ends in one of"),
        ("a.foo", b"", FilesEntry(path="a.foo"), "files of CSV, JSON or Parquet"),
        ("a.json", b"[{}, 3]", NgsiEntry(file="a.json"), "an entity with 'id' and 'type'"),
        ("b.json", b"[]", FilesEntry(path="a.json"), "is not there"),
        ("a.db", b"nothing at all", SqliteEntry(file="a.db"), "not a database"),
    ],
)
def test_a_source_that_cannot_be_read_is_silent_with_its_reason(
    tmp_path, file, content, access, told
):
    (tmp_path / file).write_bytes(content)
    sources = Sources(space_of(access), tmp_path)
    schema = sources.schema()
    assert schema.tables == {}
    assert told in schema.silent["recipes"]
    sources.close()


def test_an_api_that_does_not_answer_is_silent(tmp_path):
    sources = Sources(space_of(HttpEntry(url="http://127.0.0.1:9/")), tmp_path)
    assert "cannot be reached" in sources.schema().silent["recipes"]
    sources.close()


def test_a_token_goes_to_the_server_that_it_is_for_and_no_further(tmp_path, monkeypatch):
    monkeypatch.setenv("FABLOOP_TEST_TOKEN", "secret")
    asked = []

    def elsewhere(path):
        asked.append(path)
        return 200, b"[]"

    with served(elsewhere) as other, served(lambda path: (302, other.encode())) as url:
        entry = HttpEntry(url=url, token_from="FABLOOP_TEST_TOKEN")
        sources = Sources(space_of(entry), tmp_path)
        assert "answers 302" in sources.schema().silent["recipes"]
        sources.close()
    assert asked == []


def test_two_files_of_one_name_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x\n1\n")
    (tmp_path / "a.json").write_text("[]")
    sources = Sources(space_of(FilesEntry(path=".")), tmp_path)
    assert "each name of a file once" in sources.schema().silent["recipes"]
    sources.close()


def expression(table, column, term="code"):
    return Expression(
        uses=(Use(name="t0", table=table),),
        filters=(Filter(spot=Spot(use="t0", column=column), term=Given(term)),),
        outputs=(Output(variable="x", spot=Spot(use="t0", column=column)),),
    )


def test_numbers_with_leading_zeros_stay_texts(tmp_path):
    (tmp_path / "codes.csv").write_text("code,name\n007,a\n7,b\n")
    sources = Sources(space_of(FilesEntry(path="codes.csv")), tmp_path)
    found = sources.run(expression("recipes.codes", "code"), {"code": ("007",)}, 10)
    assert found == Found(rows=({"x": "007"},))
    assert sources.run(expression("recipes.codes", "code"), {"code": ("8",)}, 10) == NothingAt(
        at="recipes.codes"
    )
    assert sources.run(expression("recipes.codes", "code"), {"code": ()}, 10) == NothingAt(
        at="recipes.codes"
    )
    sources.close()


def test_what_was_there_once_and_is_gone_is_told(tmp_path):
    (tmp_path / "codes.csv").write_text("code,name\n007,a\n")
    sources = Sources(space_of(FilesEntry(path="codes.csv")), tmp_path)
    with pytest.raises(NotFound, match="is gone"):
        sources.run(expression("recipes.other", "code"), {"code": ("7",)}, 10)
    with pytest.raises(NotFound, match="is gone"):
        sources.run(expression("recipes.codes", "number"), {"code": ("7",)}, 10)
    (tmp_path / "codes.csv").unlink()
    with pytest.raises(Unavailable):
        sources.run(expression("recipes.codes", "code"), {"code": ("7",)}, 10)
    sources.close()


def test_more_rows_than_the_limit_are_not_handed_on(tmp_path):
    rows = "".join(f"a,{n}\n" for n in range(20))
    (tmp_path / "codes.csv").write_text(f"code,number\n{rows}")
    told = Expression(
        uses=(Use(name="t0", table="recipes.codes"),),
        outputs=(Output(variable="n", spot=Spot(use="t0", column="number")),),
    )
    sources = Sources(space_of(FilesEntry(path="codes.csv")), tmp_path)
    assert sources.run(told, {}, 19) == Over(what="answer", limit=19)
    assert len(sources.run(told, {}, 20).rows) == 20
    sources.close()


def test_joins_without_case_find_what_differs_in_case_only(tmp_path):
    (tmp_path / "a.csv").write_text("k,x\nPONY,1\n")
    (tmp_path / "b.csv").write_text("k,y\nPony ,2\n")
    folder = Sources(space_of(FilesEntry(path=".")), tmp_path)
    joined = Expression(
        uses=(Use(name="t0", table="recipes.a"), Use(name="t1", table="recipes.b")),
        joins=(
            Join(left=Spot(use="t0", column="k"), right=Spot(use="t1", column="k"), folded=True),
        ),
        outputs=(Output(variable="y", spot=Spot(use="t1", column="y"), kind=ColumnKind.INTEGER),),
    )
    assert folder.run(joined, {}, 10) == Found(rows=({"y": "2"},))
    folder.close()


def test_numbers_of_two_sources_are_equal_however_they_are_written(tmp_path):
    (tmp_path / "a.json").write_text('[{"k": 5.0, "x": 1}, {"k": 2.5, "x": 2}]')
    (tmp_path / "b.csv").write_text("k,y\n5,u\n7,v\n2.5,w\n")
    sources = Sources(space_of(FilesEntry(path=".")), tmp_path)
    joined = Expression(
        uses=(Use(name="t0", table="recipes.a"), Use(name="t1", table="recipes.b")),
        joins=(Join(left=Spot(use="t0", column="k"), right=Spot(use="t1", column="k")),),
        outputs=(Output(variable="y", spot=Spot(use="t1", column="y")),),
    )
    assert sources.run(joined, {}, 10) == Found(rows=({"y": "u"}, {"y": "w"}))
    assert sources.run(expression("recipes.b", "k"), {"code": (5.0,)}, 10).rows == ({"x": "5"},)
    sources.close()


def test_a_file_larger_than_may_be_is_refused(tmp_path, monkeypatch):
    from fabloop.adapters.dataspace import files

    monkeypatch.setattr(files, "BYTES_MAX", 10)
    (tmp_path / "a.json").write_text(json.dumps(RECIPES))
    with pytest.raises(Invalid, match="at most 10 bytes"):
        files.bytes_of("s", tmp_path / "a.json")
