"""What an address looks like."""

from __future__ import annotations

import pytest

from bot.domain.recipients import WHATSAPP_ADDRESS, plain_digits


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("+923001234567", True),
        ("US.13491208655302741918", True),
        ("+٩٢٣٠٠١٢٣٤٥٦٧", False),
        ("+0923001234567", False),
        ("923001234567", False),
    ],
)
def test_an_address_is_in_the_providers_own_digits(text, fits):
    assert bool(WHATSAPP_ADDRESS.fullmatch(text)) is fits


@pytest.mark.parametrize("zero", ["0", "٠", "۰", "०", "０"])
def test_digits_of_any_script_are_folded(zero):
    digits = "".join(chr(ord(zero) + each) for each in range(10))

    assert plain_digits(f"+{digits} US.x²") == "+0123456789 US.x²"
