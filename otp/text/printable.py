"""Text of others in a log or on a terminal: an exception's message must not be able to move the cursor, or worse."""


def printable(text: str) -> str:
    """The text with a space for each character that is none to read, line ends among them."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
