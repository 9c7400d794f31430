"""What is installed to compare words with, and what is told where it is not."""

from collections.abc import Callable

from fabloop.model.skill import SkillVocabulary
from fabloop.services.discovery import Dictionary, Likeness, of_trade, of_vocabulary
from fabloop.services.discovery.meaning import Meanings
from fabloop.services.discovery.thesaurus import Lookup, no_words

NO_WORDNET = "Synonyms come from our own list alone: WordNet is not installed (wordnet-base)."
LEARNING = "Learning words from WordNet's definitions, once; this takes a minute at most."


def likeness_of(
    vocabulary: SkillVocabulary | None, say: Callable[[str], None], *, meanings: bool = True
) -> Likeness:
    """Return how words are compared here; `say` is told what is missing or takes its time.

    A sentence model that is configured counts before what WordNet's definitions tell. Without
    `meanings`, neither is used: small collections with annotations need no more.
    """
    from fabloop.adapters import embeddings, wordnet  # noqa: PLC0415  # read when needed

    own = of_trade()
    if vocabulary is not None:
        own = of_vocabulary(vocabulary).joined(own)
    folder = wordnet.find()
    lookup: Lookup = no_words
    if folder is None:
        say(NO_WORDNET)
    else:
        lookup = lambda words: wordnet.thesaurus_of(folder, words)  # noqa: E731
    found: Meanings | None = None
    if meanings:
        model = embeddings.find()
        if model is not None:
            found = embeddings.Embeddings(*model)
        elif folder is not None:
            if not wordnet.is_kept(folder):
                say(LEARNING)
            found = wordnet.vectors_of(folder)
    return Likeness(Dictionary(lookup, own), found)
