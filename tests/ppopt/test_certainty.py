"""How sure the policy is of a line: of the words after the quote, not of the quote."""

import math

import pytest

from persona_atlas.models.protocol import Token
from persona_atlas.ppopt.certainty import believed, certainties
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
    assert [(finding.evidence, round(certainty, 3)) for finding, certainty in certainties(TOKENS)] == [
        ("as a list, please", round(math.exp(-0.3), 3)),
        ("no", 0.25),
    ]


@pytest.mark.parametrize(("sure", "left"), [(0.0, 2), (0.25, 2), (0.5, 1), (0.75, 0)])
def test_what_the_policy_doubts_is_left_out(sure: float, left: int) -> None:
    findings = parse_read(TEXT)[0]
    assert believed(findings, TOKENS, sure) == findings[:left]


def test_where_no_engine_tells_all_is_believed() -> None:
    findings = parse_read(TEXT)[0]
    assert believed(findings, (), 1.0) == findings
