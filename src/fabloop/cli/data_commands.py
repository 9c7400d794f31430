"""Commands of ``fabloop data``: sources, their profile, mappings, and targets filled from them."""

from pathlib import Path
from typing import Annotated

import typer

data = typer.Typer(help="Find and fill data from any source.", no_args_is_help=True)

Folder = Annotated[Path, typer.Argument(help="Folder with documents (*.json).")]
TargetText = Annotated[
    str, typer.Argument(metavar="TARGET", help="Triples, such as '(type, has ingredient, ?h)'.")
]
Book = Annotated[
    Path | None, typer.Option(help="File of the mappings. [default: FOLDER/mappings.db]")
]
Given = Annotated[
    list[str] | None,
    typer.Option("--given", help="A given value, such as num=12; repeatable, also for one name."),
]
Unit = Annotated[
    list[str] | None, typer.Option("--unit", help="A unit of a variable, such as y=kg; repeatable.")
]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@data.callback()
def all_data() -> None:
    """Find and fill data from any source."""


@data.command()
def sources(folder: Folder, json: Json = False) -> None:
    """List the sources of a folder, and whether they answer.

    Exit codes: 0 all answer, 1 some do not (with the reasons), 2 bad input.
    """
    from fabloop.cli.data import print_sources

    raise typer.Exit(print_sources(folder, as_json=json))


@data.command()
def profile(
    folder: Folder,
    source: Annotated[str, typer.Option(help="Only this source.")] = "",
    json: Json = False,
) -> None:
    """Tell what sources hold: tables, kinds, units, keys, and how tables hang together.

    Exit codes: 0 told, 1 a source does not answer (the others are told), 2 bad input.
    """
    from fabloop.cli.data import print_profile

    raise typer.Exit(print_profile(folder, source, as_json=json))


@data.command("match")
def match_tables(
    folder: Folder,
    table: Annotated[str, typer.Argument(help="A table, as 'profile' names it.")],
    other: Annotated[str, typer.Argument(help="Another table, of any source.")],
    json: Json = False,
) -> None:
    """Tell which columns of two tables mean the same, by names, values, spread and kinds.

    Exit codes: 0 told, 2 bad input, or a source does not answer.
    """
    from fabloop.cli.data import print_matches

    raise typer.Exit(print_matches(folder, table, other, as_json=json))


@data.command("map")
def map_target(
    folder: Folder, target: TargetText, given: Given = None, unit: Unit = None, json: Json = False
) -> None:
    """Tell how a target could be filled, the best way first, with what speaks for it.

    Exit codes: 0 for certain, 1 not at all, 2 bad input, 4 a person has to choose.
    """
    from fabloop.cli.data import print_discovery

    raise typer.Exit(print_discovery(folder, target, given or [], unit or [], as_json=json))


@data.command()
def fill(
    folder: Folder,
    target: TargetText,
    given: Given = None,
    unit: Unit = None,
    limit: Annotated[int, typer.Option(min=1, max=1_000_000, help="Rows at most.")] = 10_000,
    book: Book = None,
    json: Json = False,
) -> None:
    """Fill a target from the sources, by the mapping in force or one that is certain.

    Exit codes: 0 filled, 1 nothing or too much fits, or no source has it, 2 bad input, 3 a source
    does not answer, 4 a person has to choose the mapping first.
    """
    from fabloop.cli.data import print_filled

    raise typer.Exit(
        print_filled(folder, target, given or [], unit or [], limit, book, as_json=json)
    )


@data.command()
def answer(
    folder: Folder,
    target: TargetText,
    by: Annotated[str, typer.Option(help="Who answers.")],
    choose: Annotated[int | None, typer.Option(help="Number of the proposal, from 1.")] = None,
    none: Annotated[bool, typer.Option("--none", help="None of the proposals is right.")] = False,
    means: Annotated[
        list[str] | None,
        typer.Option(help="What a word means, such as call=pages.companies.url; repeatable."),
    ] = None,
    means_not: Annotated[
        list[str] | None, typer.Option("--means-not", help="What a word does not mean; repeatable.")
    ] = None,
    no_join: Annotated[
        list[str] | None,
        typer.Option("--no-join", help="Columns that are no join, a.b.c=d.e.f; repeatable."),
    ] = None,
    book: Book = None,
    json: Json = False,
) -> None:
    """Answer which mapping fills a target, or say what words mean; both are remembered.

    Exit codes: 0 remembered, 2 bad input or no such question.
    """
    from fabloop.cli.data import Said, remember

    said = Said(
        by=by,
        choose=choose,
        none=none,
        means=tuple(means or ()),
        means_not=tuple(means_not or ()),
        no_join=tuple(no_join or ()),
    )
    raise typer.Exit(remember(folder, target, said, book, as_json=json))


@data.command()
def mappings(folder: Folder, book: Book = None, json: Json = False) -> None:
    """List the mappings by target and version, why some hold no more, and open questions.

    Exit codes: 0 listed, 2 bad input.
    """
    from fabloop.cli.data import print_mappings

    raise typer.Exit(print_mappings(folder, book, as_json=json))


@data.command("refuse")
def refuse_mapping(
    folder: Folder,
    target: TargetText,
    by: Annotated[str, typer.Option(help="Who refuses.")],
    why: Annotated[str, typer.Option(help="Why the mapping is wrong.")],
    book: Book = None,
    json: Json = False,
) -> None:
    """Take back the mapping in force; the next one is chosen by a person.

    Exit codes: 0 taken back, 2 bad input, or none is in force.
    """
    from fabloop.cli.data import take_back

    raise typer.Exit(take_back(folder, target, by, why, book, as_json=json))
