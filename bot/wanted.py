"""What a value must be, where pydantic found that it is not; in words for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_TRUTH = "must be true or false"
_TEXT = 'must be text in quotes: "…"'
_LIST = 'must be a list of texts: ["…", "…"]'

#: Where none of these words fit.
UNKNOWN = "is of the wrong kind"

#: By pydantic's names; what stands in braces is in the error's context.
_WORDS = {
    "int_parsing": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": "is too large a number",
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "bool_parsing": _TRUTH,
    "bool_type": _TRUTH,
    "literal_error": "must be {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "string_type": _TEXT,
    "path_type": _TEXT,
    "string_too_long": "must have {max_length} characters at most",
    "tuple_type": _LIST,
    "value_error": "{error}",  # the command line's choices: … is not one of …
}


def wanted(error: ErrorDetails) -> str:
    """Say what a value must be: ``must be a whole number``.

    Never with a setting's value itself, which may be a secret.
    """
    if len(error["loc"]) > 1:  # one of a list
        return _LIST
    given = {
        name: int(each) if isinstance(each, float) and each.is_integer() else each
        for name, each in error.get("ctx", {}).items()
    }
    return _WORDS.get(error["type"], UNKNOWN).format(**given)
