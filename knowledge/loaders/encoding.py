"""Bytes to text without guessing wrong in silence: byte order marks, UTF-8, GB18030, Western, then what charset-normalizer is sure of."""

import codecs
import re

from knowledge.errors import LoadError

# UTF-32 stands before UTF-16, whose little-endian mark is the beginning of its own.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BINARY = ((b"PK\x03\x04", "a zip or Office file"), (b"%PDF-", "a PDF"), (b"\x1f\x8b", "a gzip file"), (b"\x89PNG", "a PNG picture"))
_CANDIDATES = ["gb18030", "big5", "cp1252", "utf_16_le", "utf_16_be"]
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufffd\uffff]")
_HIGH = re.compile(r"[^\x00-\x7f]")
# Western text: accented letters, at most two in a row, and common signs. Statistics need more text than a short answer has.
_NOT_WESTERN = re.compile(r"[^\t\n\r\x20-\x7eÀ-ÖØ-öø-ÿŒœŠšŽžŸ\u00a0€£¡¿§«»©®™–—‘’“”…•°]|°(?=[ABD-EG-Za-z])|[À-ÿ]{3}")
# Outside what the candidates can mean here: Latin, Chinese, Japanese kana and signs. A wrong guess nearly always leaves it.
_IMPLAUSIBLE = re.compile(r"[^\x00-\u017f\u2000-\u206f\u20ac\u2100-\u27bf\u3000-\u30ff\u4e00-\u9fff\uff00-\uffef]")
_ENCLOSED = re.compile(r"(?<=[A-Za-z])[\u4e00-\u9fff](?=[A-Za-z])")  # `größe` read as Chinese: gr鲞e
_SAVE_AS = "Save it as UTF-8 and load it again."


def decode(data: bytes, declared: str = "") -> str:
    """The text of `data`, with `\\n` line ends. `declared` is the encoding that the file names itself, if it does.

    Raises `LoadError` when the bytes are binary, damaged, or in an encoding that cannot be told for sure.
    """
    for signature, name in _BINARY:
        if data.startswith(signature):
            raise LoadError(f"The content is {name}, not text. Give the file the extension of what it is.")
    text = _decode(data, declared)
    # One stray control character is harmless and is dropped later; many mean that this never was text.
    if len(_CONTROL.findall(text)) > len(text) // 200:
        raise LoadError(f"The content is binary, or text in an unknown encoding. {_SAVE_AS}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decode(data: bytes, declared: str) -> str:
    for mark, name in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(name)
            except UnicodeDecodeError as error:
                raise LoadError(f"The file starts as {name} but is damaged at byte {error.start}. {_SAVE_AS}") from None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _mostly_utf8(data):
            raise LoadError(f"The text looks like UTF-8 that is damaged at byte {error.start}. Correct it there. {_SAVE_AS}") from None
    declared = "gb18030" if declared.lower() in {"gb2312", "gbk"} else declared
    for name in (declared, "gb18030"):
        try:
            text = data.decode(name)
        except (UnicodeError, LookupError):
            continue
        if name == declared or _is_chinese(text):
            return text
    western = data.decode("cp1252", errors="replace")
    if 3 * len(_HIGH.findall(western)) < len(western) and not _NOT_WESTERN.search(western):
        return western
    from charset_normalizer import from_bytes

    match = from_bytes(data, cp_isolation=_CANDIDATES).best()
    if match is None or 100 * len(_IMPLAUSIBLE.findall(str(match))) > len(str(match)):
        raise LoadError(f"The content is binary, or text in an unknown encoding. {_SAVE_AS}")
    return str(match)


def _is_chinese(text: str) -> bool:
    """Whether what decoded as GB18030, which nearly anything does, is mostly of the 7,000 characters in use (GB2312)."""
    high = "".join(_HIGH.findall(_ENCLOSED.sub("", text)))
    return bool(high) and len(high.encode("gb2312", "ignore")) >= 2 * 0.7 * len(high)


def _mostly_utf8(data: bytes) -> bool:
    """Whether most multi-byte characters are good UTF-8, which no other encoding brings about: then it is damaged."""
    text = data.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    return len(_HIGH.findall(text)) > 4 * damaged
