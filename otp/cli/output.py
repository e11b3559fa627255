"""What a command prints: for people, for scripts, for programs.

    table   aligned text that fits the terminal; the default
    wide    all there is, however long the lines
    json    one document with "schema": 1
    jsonl   one row a line, each with "schema": 1
    name    bare paths or ids, one a line

Text is coloured on a terminal only, and colour never says what a word does not.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, NamedTuple, TypeVar, cast, get_args

import click
import msgspec
from click.exceptions import Exit
from msgspec.structs import asdict

from otp.cli.exit_codes import ExitCode
from otp.control.wire.rows import SCHEMA
from otp.text.printable import printable

Format = Literal["table", "wide", "json", "jsonl", "name"]
Document = msgspec.Struct | Mapping[str, Any]
Command = TypeVar("Command", bound=Callable[..., None])


class Page(NamedTuple):
    """The page that text is written on.

    Attributes:
        within: columns that a line may have; None: any number.
        wide: all there is to say is wanted.
        colour: there are colours.
    """

    within: int | None = None
    wide: bool = False
    colour: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """Something to show, in each format.

    Attributes:
        document: of `json`, without its schema.
        names: the lines of `name`.
        text: the lines that people read, on a page.
        rows: the lines of `jsonl`, without their schema; None: the document is the only one.
    """

    document: Document
    names: Sequence[str]
    text: Callable[[Page], Iterable[str]]
    rows: Sequence[Document] | None = None

    @property
    def entries(self) -> Sequence[Document]:
        """The rows, or the document as the only one."""
        return (self.document,) if self.rows is None else self.rows


def listing(
    app: str, kind: str, rows: Sequence[Document], names: Sequence[str], text: Callable[[Page], Iterable[str]]
) -> Shown:
    """Show rows of one kind, a line each; their document has the application's name, and the rows under their kind."""
    return Shown({"app": app, kind: rows}, names, text, rows)


class Output:
    """The format of a command, and the page that it writes on.

    Args:
        form: as `-o` says.
        colour: there are colours.
        within: columns of the terminal; None: any number.
    """

    def __init__(self, form: Format, *, colour: bool = False, within: int | None = None) -> None:
        self.form: Format = form
        self.page = Page(None if form == "wide" else within, form == "wide", colour)

    def resized(self) -> "Output":
        """Return an output of this kind for a terminal that may have another size by now."""
        return Output(self.form, colour=self.page.colour, within=_columns())

    def show(self, shown: Shown, *, apart: bool = False, up: bool = True) -> None:
        """Write what there is to say, and nothing, not even a line end, where there is nothing.

        Args:
            shown: in each format.
            apart: something was shown before it; people get an empty line between.
            up: all that is shown is up; else this ends the command, with exit code 3.
        """
        text = self.rendered(shown)
        if text:
            gap = "\n" if apart and self.form in ("table", "wide") else ""
            click.echo(f"{gap}{text}", color=self.page.colour)
        if not up:
            raise Exit(ExitCode.NOT_UP)

    def rendered(self, shown: Shown) -> str:
        """Return what `show` writes."""
        match self.form:
            case "json":
                return _escaped(msgspec.json.format(_json(shown.document), indent=2))
            case "jsonl":
                return "\n".join(_escaped(_json(row)) for row in shown.entries)
            case "name":
                return "\n".join(map(printable, shown.names))
            case "table" | "wide":
                return "\n".join(shown.text(self.page))


def with_output(command: Command) -> Command:
    """Give a command -o and --no-color; it gets an `output`."""

    @click.option(
        "-o",
        "--output",
        "form",
        type=click.Choice(get_args(Format)),
        default="table",
        show_default=True,
        help="How to say it; json and jsonl carry a schema.",
    )
    @click.option("--no-color", is_flag=True, help="No colours; NO_COLOR does the same.")
    @wraps(command)
    def call(*, form: Format, no_color: bool, **rest: Any) -> None:
        command(output=Output(form, colour=_coloured(no_color), within=_columns()), **rest)

    return cast("Command", call)


def _json(document: Document) -> bytes:
    content = asdict(document) if isinstance(document, msgspec.Struct) else document
    return msgspec.json.encode({"schema": SCHEMA, **{name: _untagged(value) for name, value in content.items()}})


def _untagged(value: object) -> object:
    """Take the tag of a message away, which only the wire needs."""
    return asdict(value) if isinstance(value, msgspec.Struct) and value.__struct_config__.tag else value


def _escaped(document: bytes) -> str:
    """Escape each character that a terminal does not show; the document keeps its meaning."""
    text = document.decode()
    return text if text.isascii() and "\x7f" not in text else "\n".join(map(_escaped_line, text.split("\n")))


def _escaped_line(line: str) -> str:
    return line if line.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in line)


def _escape(sign: str) -> str:
    units = sign.encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def _coloured(no_color: bool) -> bool:
    quiet = no_color or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not quiet


def _columns() -> int | None:
    """The columns of the terminal; None without one, so that what a script reads depends on no window."""
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None
