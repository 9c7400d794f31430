"""What the choreographer does on the command line."""

from pathlib import Path

from fabloop.adapters.arrowhead.four.steps import SessionStatus
from fabloop.app.choreography.choreographer import choreographer_post
from fabloop.app.choreography.conduct import Patience
from fabloop.app.choreography.ledger import Session
from fabloop.app.choreography.posts import Post
from fabloop.base.errors import ExitCode
from fabloop.cli.cloud_words import print_line, say_where, teller, until_interrupted
from fabloop.cli.given import note, read_bytes
from fabloop.cli.processes.plain import print_lines
from fabloop.run.recipe_document import read_recipe

LOOK_S = 0.1


def choreograph(post: Post, store: Path, patience_s: float, *, as_json: bool) -> ExitCode:
    """Be the choreographer until a signal comes."""
    ended = until_interrupted()
    patience = Patience(patience_s=patience_s)
    with choreographer_post(post, store, teller(as_json=as_json), patience) as served:
        say_where(post, served.url, "choreographer", as_json=as_json)
        ended.wait()
    return ExitCode.FINE


def run(
    post: Post, recipe: Path, order: str, store: Path, patience_s: float, *, as_json: bool
) -> ExitCode:
    """Carry out a recipe, or go on with it where it was begun before."""
    asked = read_recipe(read_bytes(recipe), source=str(recipe))
    ended = until_interrupted()
    patience = Patience(patience_s=patience_s)
    with choreographer_post(post, store, teller(as_json=as_json), patience) as served:
        say_where(post, served.url, "choreographer", as_json=as_json)
        session = served.desk.resume(asked, recipe.stem, order)
        while not ended.wait(LOOK_S):
            found = served.desk.session(session.number)
            if found is not None and not found.runs:
                return _told(found, as_json=as_json)
    note("Interrupted. The same command goes on where it was.")
    return ExitCode.NOT_PRODUCIBLE


def _told(session: Session, *, as_json: bool) -> ExitCode:
    done = session.status is SessionStatus.DONE
    if as_json:
        print_line({"session": session.number, "status": session.status.value})
    else:
        print_lines([f"Session {session.number} of '{session.name}': {session.status.value}."])
    return ExitCode.FINE if done else ExitCode.NOT_PRODUCIBLE
