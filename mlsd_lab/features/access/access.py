"""Who may read which features: denied unless granted, and written down."""

import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

from mlsd_lab.errors import AccessError, ArtifactError, ConfigError
from mlsd_lab.features.access.chained_log import ChainedLog
from mlsd_lab.features.access.chosen import chosen
from mlsd_lab.features.access.grants import Grants
from mlsd_lab.features.access.reader import Reader
from mlsd_lab.features.access.user_key import UserKey
from mlsd_lab.features.access.verdict import Verdict
from mlsd_lab.features.catalogue import Catalogue

LONGEST = 200  # characters of a role, an actor, a purpose


class Access:
    """Grants, and the log of every grant, refusal and read of personal data, in a folder that processes share.

    A role reads the columns that it was granted by name, by tag, or as all that is not personal; personal data only
    by name and with `personal=True`. A grant is of columns as they are then: one that comes later, or becomes personal
    later, needs a grant of its own. Who may read a derived column need not be allowed what it is made of.
    `clock` says when an entry is written. Raises `ArtifactError` where the folder's logs were tampered with.

    >>> import tempfile
    >>> from mlsd_lab.clock import now
    >>> from mlsd_lab.features.feed import FEED
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     access = Access(Path(folder), now)
    ...     _ = access.grant("analyst", FEED, ["all"], actor="ann")
    ...     access.grants().refused("analyst", FEED, ["video_impressions_1d", "user_impressions_1d"])
    ('user_impressions_1d',)
    """

    def __init__(self, folder: Path, clock: Callable[[], datetime]) -> None:
        self.folder, self._clock = folder, clock
        self._changes, self._reads = ChainedLog(folder / "grants.log"), ChainedLog(folder / "reads.log")
        self._users = UserKey(folder / "users.key")
        self._known: tuple[Any, Grants] = (None, Grants([]))

    def grant(
        self, role: str, catalogue: Catalogue, names: Sequence[str], actor: str, personal: bool = False
    ) -> tuple[str, ...]:
        """Let a role read columns, and return them; `names` are as in `chosen`, personal ones by name alone."""
        columns: list[str] = []
        for name, found in chosen(catalogue, names).items():
            theirs = [column for column in found if column in catalogue.personal]
            by_name = name != "all" and not name.startswith("tag:")
            if theirs and by_name and not personal:
                raise ConfigError(f"{name} is personal data, which is granted on purpose: give --personal with it")
            columns += [column for column in found if by_name or column not in theirs]
        if personal and catalogue.personal.isdisjoint(columns):
            raise ConfigError("personal data is granted by name: expected a personal column or feature with --personal")
        if not columns:
            raise ConfigError(
                f"expected some that is no personal data, found none in {', '.join(names)}: what is personal is "
                "granted by name, with --personal"
            )
        columns = [*dict.fromkeys(columns)]
        also = {"columns": columns, "personal": [column for column in columns if column in catalogue.personal]}
        self._changes.append(self._entry("grant", role, actor, catalogue.name) | also)
        return tuple(columns)

    def revoke(self, role: str, catalogue: Catalogue, names: Sequence[str], actor: str) -> tuple[str, ...]:
        """Take columns from a role, and return them; `all` is all that it has, whether or not it is still there."""
        granted = self.grants()
        if not (held := granted.of(role, catalogue.name)):
            others = ", ".join(granted.roles(catalogue.name)) or "nobody"
            where = f"of catalogue {catalogue.name} in {self.folder}"
            raise ConfigError(f"expected a role that was granted something {where}, found {role!r}; who was: {others}")
        named = {column for found in chosen(catalogue, names, held).values() for column in found}
        gone = tuple(column for column in held if column in named)
        if not gone:
            raise ConfigError(f"role {role!r} has none of these; it has: {', '.join(held)}")
        self._changes.append(self._entry("revoke", role, actor, catalogue.name) | {"columns": gone})
        return gone

    def grants(self) -> Grants:
        """Return what is granted now, read from the log where that has changed."""
        files = [self.folder / name for name in ("grants.log", "grants.log.anchor")]
        seen = [(at.st_ino, at.st_size, at.st_ctime_ns) if (at := _stat(file)) else None for file in files]
        if seen != self._known[0]:
            self._known = (seen, Grants(map(_formed, self._changes.entries())))
        return self._known[1]

    def reader(self, role: str, actor: str, purpose: str) -> Reader:
        """Return what reads features for a role; the log names who reads, and what for."""
        return Reader(self.admit, _said("role", role), _said("actor", actor), _said("purpose", purpose))

    def admit(
        self, role: str, actor: str, catalogue: Catalogue, columns: Sequence[str], facts: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Return the columns that a role may read if that is all of them, once the log says what it must.

        `facts` go with the entry; `user` as a keyed hash. What is read online is not synced one by one: a power cut
        may take the newest thousand entries, and the log then says so. Raises `AccessError`.
        """
        wanted = tuple(columns)
        if isinstance(columns, str) or not wanted or len({*wanted}) < len(wanted):
            raise ConfigError(f"columns: expected a list of one or more, each once, found {columns!r}")
        grants, personal = self.grants(), catalogue.personal
        refused = grants.refused(role, catalogue, [column for column in wanted if column in catalogue.columns])
        if not refused:
            catalogue.entities_of(wanted)  # each is there
        online = "user" in facts
        logged = wanted if refused else [column for column in wanted if column in personal]
        if logged:
            entry = self._entry("refused" if refused else "read", role, actor, catalogue.name)
            entry |= {**facts, "columns": logged, "version": catalogue.version, "grants": grants.changes}
            entry |= {"refused": refused} if refused else {}
            entry |= {"user": self._users.name_of(facts["user"])} if online else {}
            self._reads.append(entry, sync=not online)
        if refused:
            more = ["--personal"] * (not personal.isdisjoint(refused)) + ["--access", str(self.folder)]
            more += [] if catalogue.name == "feed" else ["--catalogue", "MODULE:NAME"]
            command = shlex.join(["mlsd-lab", "features", "grant", role, *refused, *more])
            raise AccessError(
                f"role {role!r} may not read {', '.join(refused)} of catalogue {catalogue.name}, and nothing was read; "
                f"whoever may grant it types: {command}"
            )
        return wanted

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield what the logs say, checked as it is read: grants and revocations, then reads and refusals."""
        for log in (self._changes, self._reads):
            yield from map(_formed, log.entries())

    def user_name(self, user_id: str) -> str:
        """Return the keyed hash that stands for a user in the log."""
        return self._users.name_of(user_id)

    def verify(self, receipt: str = "", each: Callable[[dict[str, Any]], None] = lambda _entry: None) -> Verdict:
        """Check both logs, handing on `each` entry; a `receipt` proves that what was there then still is."""
        words, decided = receipt.split(), 0
        if len(words) not in (0, 4):
            raise ConfigError(f"receipt: expected two numbers, each with a SHA-256, found {receipt!r}")

        def look(entry: dict[str, Any]) -> None:
            nonlocal decided
            decided = max(decided, _formed(entry).get("grants", 0))
            each(entry)

        reads, changes = self._reads.verify(" ".join(words[2:]), look), self._changes.verify(" ".join(words[:2]), look)
        broken = [*filter(None, (changes.broken, reads.broken))]
        if not broken and decided > changes.entries:
            broken = [
                f"{self.folder}: {decided} grants were known to a read, {changes.entries} are there: an older copy"
            ]
        found = changes.entries + reads.entries, f"{changes.receipt} {reads.receipt}"
        return Verdict(*found, "; ".join(broken), changes.mended + reads.mended)

    def close(self) -> None:
        """Sync what was read online and not yet synced."""
        self._reads.close()

    def _entry(self, what: str, role: str, actor: str, catalogue: str) -> dict[str, Any]:
        at = self._clock().astimezone(UTC).isoformat(timespec="microseconds")
        return {"at": at, "what": what, "role": _said("role", role), "actor": _said("actor", actor)} | {
            "catalogue": catalogue
        }


def _formed(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry; raises `ArtifactError` for one that follows the others but that no `Access` wrote."""
    lists = [entry.get(name, []) for name in ("columns", "personal", "refused")]
    texts = [entry.get(name, "") for name in ("at", "role", "actor", "purpose", "catalogue", "how", "why")]
    texts += [text for each in lists if isinstance(each, list) for text in each]
    numbers = [entry.get(name, 0) for name in ("rows", "grants")]
    kinds = [(lists, list), (texts, str), (numbers, int)]
    whole = entry["what"] not in ("grant", "revoke") or {"role", "catalogue", "columns"} <= {*entry}
    if not whole or not all(isinstance(value, kind) for values, kind in kinds for value in values):
        raise ArtifactError(f"expected entries of grants and reads, found {str(entry)[:80]}: nobody here wrote that")
    return entry


def _stat(file: Path) -> Any:
    try:
        return file.stat()
    except FileNotFoundError:
        return None


def _said(name: str, text: str) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST or not text.isprintable() or not text.strip():
        raise ConfigError(f"{name}: expected 1 to {LONGEST} printable characters, found {str(text)[:LONGEST]!r}")
    if text != text.strip() or text != normalize("NFC", text):  # it would look like another
        raise ConfigError(f"{name}: expected no space around it, and letters composed (NFC), found {text!a}")
    return text
