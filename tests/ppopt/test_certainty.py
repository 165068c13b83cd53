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
    first, second = weighed(parse_read(TEXT)[0], TOKENS)
    assert (first.own, first.sure) == pytest.approx((math.exp(-0.1), math.exp(-0.2)))
    assert (second.own, second.sure) == pytest.approx((0.5, 0.5))


def test_the_areas_make_a_line_no_less_sure() -> None:
    tokens = (Token('<profile>\n- "no"', 0.0), Token(" so this user wants", -0.1), Token(" no emoji", -0.2), Token(", only for cooking.", -3.0))
    (finding,) = weighed(parse_read("".join(token.text for token in tokens))[0], tokens)
    assert (finding.own, finding.sure) == pytest.approx((math.exp(-0.1), math.exp(-0.2)))


def test_a_line_that_states_no_wish_is_as_sure_as_all_of_it() -> None:
    tokens = (Token('<profile>\n- "no"', 0.0), Token(" but only", HALF), Token(" that once.", HALF))
    (finding,) = weighed(parse_read("".join(token.text for token in tokens))[0], tokens)
    assert finding.own * finding.sure == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("before", "after"),
    [("<profile> - ", "\n</profile>"), ("<profile>\n   - ", "\n</profile>"), ("<profile>\n- ", " </profile>"), ("<profile>\n- ", "   \n</profile>")],
)
def test_a_line_that_is_not_well_formed_is_no_surer(before: str, after: str) -> None:
    tokens = (Token(f'{before}"no"', -3.0), Token(" so this user wants no emoji.", HALF), Token(after, -3.0))
    (finding,) = weighed(parse_read("".join(token.text for token in tokens))[0], tokens)
    assert (finding.own, finding.sure) == pytest.approx((0.5, 0.5))


def test_where_no_engine_tells_all_is_certain() -> None:
    findings = parse_read(TEXT)[0]
    assert [(finding.own, finding.sure) for finding in weighed(findings, ())] == [(1.0, 1.0)] * len(findings)
