"""The key under which a store keeps a row of state."""

from collections.abc import Iterable, Sequence


def row_keys(number: int, parts: Sequence[Iterable[str | None]]) -> list[bytes]:
    """Return a key for each entity of a kind: its place in the catalogue, and the parts, a sequence of texts each.

    All parts but the last are led in by their length, so that no two entities share a key. Some parts may be endless.

    >>> row_keys(4, [["ann", "4:an"], ["sport", "n"]])
    [b'4|3:annsport', b'4|4:4:ann']
    """
    if not parts:
        return []
    *leading, last = parts
    texts: Iterable[str] = map(str, last)
    for part in reversed(leading):
        texts = (f"{len(text)}:{text}{rest}" for text, rest in zip(map(str, part), texts, strict=False))
    begin = b"%d|" % number
    return [begin + text.encode("utf-8", "surrogatepass") for text in texts]


def key_parts(key: bytes, count: int) -> list[str]:
    """Return the so many parts that a key was made of.

    >>> key_parts(b"4|3:annsport", 2)
    ['ann', 'sport']
    """
    rest, found = key.decode("utf-8", "surrogatepass").partition("|")[2], []
    for _ in range(count - 1):
        length, _, rest = rest.partition(":")
        found.append(rest[: int(length)])
        rest = rest[int(length) :]
    return [*found, rest]
