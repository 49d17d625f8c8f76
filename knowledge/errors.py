"""What can go wrong in this package.

    KnowledgeError
    ├── BadCollection      a collection's name is not allowed
    ├── LoadError          a file could not be read as what it claims to be; the rest goes on
    │   └── LeftOut        it is not to be read at all, and what was once taken in of it goes
    ├── EmbedderError      the embedding model cannot be loaded or does not fit the index
    └── StoreError         the vector store or the database is missing, damaged or unreachable

Every message says what was got, what is allowed and what to do.
"""


class KnowledgeError(Exception):
    """Base of all errors of this package."""


class BadCollection(KnowledgeError):
    """A name that no collection may have."""


class LoadError(KnowledgeError):
    """A file could not be loaded."""


class LeftOut(LoadError):
    """Something in a folder that is not the shop's to answer from: a data folder of this product, or what lies outside of the folder."""


class EmbedderError(KnowledgeError):
    """An embedding model could not be loaded or used."""


class StoreError(KnowledgeError):
    """The index cannot be read or written."""
