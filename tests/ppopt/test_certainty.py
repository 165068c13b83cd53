"""How sure the policy is of a line: of the words after the quote, not of the quote."""

import math

import pytest

from persona_atlas.models.protocol import Token
from persona_atlas.ppopt.certainty import weighed
from persona_atlas.ppopt.chats import parse_read

HALF = math.log(0.5)
TOKENS = (
    Token("<profile>", 0.0),
    *(Token("\n- ", -3.0), Token('"as a', -3.0), Token(' list, please"', -3.0), Token(" so this user wants", -0.1), Token(" bullet points.\n", -0.2)),
    *(Token('- "no', 0.0), Token('"', 0.0), Token(" so this user wants", HALF), Token(" no emoji", HALF), Token(".", 0.0), Token("\n", 0.0)),
    Token("</profile>", -1.0),
)
TEXT = "".join(token.text for token in TOKENS)


def test_a_line_is_as_sure_as_what_follows_its_quote() -> None:
    findings = parse_read(TEXT)[0]
    assert [(finding, round(certainty, 3)) for finding, certainty in weighed(findings, TOKENS)] == [
        (findings[0], round(math.exp(-0.3), 3)),
        (findings[1], 0.25),
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [("<profile> - ", "\n</profile>"), ("<profile>\n   - ", "\n</profile>"), ("<profile>\n- ", " </profile>"), ("<profile>\n- ", "   \n</profile>")],
)
def test_a_line_that_is_not_well_formed_is_no_surer(before: str, after: str) -> None:
    tokens = (Token(f'{before}"no"', -3.0), Token(" so this user wants no emoji.", HALF), Token(after, -3.0))
    (weighed_finding,) = weighed(parse_read("".join(token.text for token in tokens))[0], tokens)
    assert weighed_finding[1] == pytest.approx(0.5)


def test_where_no_engine_tells_all_is_certain() -> None:
    findings = parse_read(TEXT)[0]
    assert weighed(findings, ()) == tuple((finding, 1.0) for finding in findings)
