"""Options that several commands of ``fabloop process`` have in common."""

from pathlib import Path
from typing import Annotated

import typer

STORE = Path("fabloop-data")

Store = Annotated[Path, typer.Option(help="Folder of the journal.")]
Json = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Request = Annotated[
    str, typer.Option(help="Id of this request: sent again, it is answered and not done again.")
]
Variables = Annotated[str, typer.Option(help="Variables as a JSON object, or @FILE with one.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done; change nothing.")]

Key = Annotated[int | None, typer.Argument(metavar="[KEY]", help="An instance; or select many.")]
OfProcess = Annotated[str, typer.Option("--process", help="Instances of this process.")]
OfVersion = Annotated[int | None, typer.Option("--version", help="Of this version alone.")]
OfBusiness = Annotated[str, typer.Option("--business-key", help="With this business key.")]
AtNode = Annotated[str, typer.Option("--node", help="With something in progress at this node.")]
WithIncident = Annotated[
    str, typer.Option("--incident", help="With an open incident of this kind; '*' for any.")
]
Everyone = Annotated[bool, typer.Option("--all", help="Every running instance.")]
