"""How sure the policy is of a line: of the words after the quote, not of the quote."""

import math

from persona_atlas.models.protocol import Token
from persona_atlas.ppopt.certainty import certainties, weighed
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


def test_each_finding_has_its_certainty() -> None:
    findings = parse_read(TEXT)[0]
    assert [(finding, round(certainty, 3)) for finding, certainty in weighed(findings, TOKENS)] == [
        (findings[0], round(math.exp(-0.3), 3)),
        (findings[1], 0.25),
    ]


def test_where_no_engine_tells_all_is_certain() -> None:
    findings = parse_read(TEXT)[0]
    assert weighed(findings, ()) == tuple((finding, 1.0) for finding in findings)
