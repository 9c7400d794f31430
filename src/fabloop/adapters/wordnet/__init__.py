"""WordNet's database files as a thesaurus and as directions of words, where they are installed."""

from fabloop.adapters.wordnet.definitions import is_kept, vectors_of
from fabloop.adapters.wordnet.dictionary import find, thesaurus_of

__all__ = ["find", "is_kept", "thesaurus_of", "vectors_of"]
