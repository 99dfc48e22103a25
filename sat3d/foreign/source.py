"""A look at the source text that each persistent object carries.

The official loader executes that text. Nothing here does: it is not imported, compiled or even parsed. Published
network code only computes, so a text that starts processes, touches files or the network, or runs other text marks
the whole file as made to attack whoever opens it with the official loader, and the user is told so.
The patterns are a courtesy, easily dodged by an attacker; what keeps this reader safe is that the text is never run.
"""

import re

from .values import Context, hostile

_SUSPICIOUS = re.compile(
    r"\b(?:os|posix|nt)\s*\.\s*(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*|startfile|fork|kill|remove|unlink|rename|rmdir)\b"
    r"|\b(?:subprocess|socket|ctypes|shutil|marshal|urllib|requests|runpy|pty|webbrowser)\s*\.\s*\w+\s*\("
    r"|\b(?:from|import)\s+(?:subprocess|socket|ctypes|marshal|runpy|pty|posix)\b"
    r"|\bpickle\s*\.\s*loads?\b|\bimportlib\b|__import__|__builtins__|__globals__|__subclasses__|__code__"
    r"|(?<![.\w])(?:eval|exec|compile|open)\s*\("
)


def check_source(context: Context, source: str) -> None:
    """Refuse a file whose source text reaches outside of mathematics; each text is looked at once.

    Raises:
        HostileFileError: naming the first such expression.
    """
    if source in context.sources:
        return
    found = _SUSPICIOUS.search(source)
    if found:
        raise hostile(
            "the source text inside it would run commands or touch files when opened by the official loader",
            repr(found.group(0)[:60]),
        )
    context.sources.add(source)
