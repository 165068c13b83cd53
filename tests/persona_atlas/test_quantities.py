"""Quantities are printed in either system and found again in an answer."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_atlas.tasks import markup, quantities
from persona_atlas.tasks.quantities import clock, found, money, names_day, number, quantity, roundest

TOLERANCE = 0.03
"""What a numeric verifier allows where a task does not say."""


@pytest.mark.parametrize(("value", "text"), [(1250, "1,250"), (0.5, "0.5"), (2.0, "2"), (1 / 3, "0.33"), (1234.5, "1,234.5"), (-3.25, "-3.25")])
def test_numbers_have_at_most_two_decimals(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("value", "text"), [(2.25, "2.3"), (1.45, "1.5"), (2.45, "2.5"), (0.05, "0.1"), (-2.25, "-2.3"), (2.449, "2.4")])
def test_halves_are_rounded_upwards(value: float, text: str) -> None:
    assert number(value, 1) == text


@pytest.mark.parametrize(
    ("value", "unit", "metric", "imperial"),
    [
        (400, "g", "400 g", "14 oz"),
        (1500, "g", "1,500 g", "3.3 lb"),
        (2.5, "kg", "2.5 kg", "5.5 lb"),
        (250, "ml", "250 ml", "1.06 cups"),
        (10, "l", "10 l", "2.64 gal"),
        (180, "C", "180 °C", "356 °F"),
        (12, "km", "12 km", "7.5 mi"),
        (90, "km/h", "90 km/h", "56 mph"),
        (20, "m2", "20 m²", "215 sq ft"),
    ],
)
def test_quantities_are_printed_in_either_system(value: float, unit: str, metric: str, imperial: str) -> None:
    assert (quantity(value, unit, "metric"), quantity(value, unit, "imperial")) == (metric, imperial)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (14.11, "14"),
        (3.307, "3.3"),
        (8.81, "8.75"),
        (18.64, "18.5"),
        (215.3, "215"),
        (3527, "3,500"),
        (2.643, "2.64"),
        (1.057, "1.06"),
        (0.264, "0.26"),
        (0, "0"),
    ],
)
def test_converted_amounts_are_as_round_as_people_write_them(value: float, text: str) -> None:
    assert roundest(value) == text


@given(value=st.floats(1, 100_000))
def test_converted_amounts_are_rounded_by_less_than_tasks_tolerate(value: float) -> None:
    assert abs(float(roundest(value).replace(",", "")) - value) < quantities.LOOSE * value


@pytest.mark.parametrize(
    ("minutes", "h24", "h12"),
    [(0, "00:00", "12:00 am"), (390, "06:30", "6:30 am"), (720, "12:00", "12:00 pm"), (1110, "18:30", "6:30 pm"), (1500, "01:00", "1:00 am"),
     (-30, "23:30", "11:30 pm")],
)  # fmt: skip
def test_times_of_day_are_printed_in_either_style(minutes: int, h24: str, h12: str) -> None:
    assert (clock(minutes, "h24"), clock(minutes, "h12")) == (h24, h12)


def test_money_shows_cents_only_where_there_are_some() -> None:
    assert [money(1250), money(0.5), money(19.999)] == ["$1,250", "$0.50", "$20"]


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("Bake it at 356 °F, or 180°C.", "C", [180.0, 180.0]),
        ("1,250 g or 1.25 kg", "kg", [1.25, 1.25]),
        ("a 2-litre pot and 500 ml", "l", [2.0, 0.5]),
        ("1 hour 30 minutes", "minutes", [90.0]),
        ("1 h and 30 min, then 2 days", "hours", [1.5, 48.0]),
        ("10-15 minutes", "minutes", [10.0, 15.0]),
        ("$1,250.50, 20 dollars or 5 USD", "usd", [1250.5, 20.0, 5.0]),
        ("12%, 3.5 percent", "percent", [12.0, 3.5]),
        ("version 1.2.3 has 4 parts", "count", [1.2, 4.0]),
        ("20 m² of 5 m by 4 m", "m2", [20.0]),
        ("no number", "kg", []),
    ],
)
def test_quantities_are_found_by_example(text: str, unit: str, values: list[float]) -> None:
    assert sorted(found(text, unit)) == pytest.approx(sorted(values))


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("3/4 cup, ¾ cup or three quarters of a cup", "ml", [177.441] * 3),
        ("1 1/2, 1-1/2, 1 and 1/2 hours", "hours", [1.5]),
        ("1½ hours, one and a half hours, an hour and a half, 2 hours and a half", "hours", [1.5, 1.5, 1.5, 2.5]),
        ("half an hour, a half-hour, a quarter of an hour", "minutes", [30.0, 30.0, 15.0]),
        (r"$\frac{1}{2}$ cup or $1\frac{1}{2}$ cups", "ml", [118.294, 354.882]),
        ("7/15 km", "km", [7.0, 15.0]),
        ("half past 3 hours on the third day", "days", [0.125]),
    ],
)
def test_fractions_are_read_as_people_write_them(text: str, unit: str, values: list[float]) -> None:
    assert found(text, unit) == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("two liters", "l", [2.0]),
        ("twenty-five minutes", "minutes", [25.0]),
        ("one hundred and twenty grams", "g", [120.0]),
        ("two twenty-minute walks", "minutes", [20.0]),
        ("fifteen hundred dollars", "usd", [1500.0]),
        ("1.2 million, 12k, ninety", "count", [1_200_000.0, 12_000.0, 90.0]),
    ],
)
def test_numbers_in_words_are_read(text: str, unit: str, values: list[float]) -> None:
    assert found(text, unit) == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("2–3 hours, 4 to 5 hours, 6 or 7 hours, between 8 and 9 hours", "hours", [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]),
        ("2 1/2-3 hours", "hours", [2.5, 3.0]),
        ("Day 2 - 3 hours", "hours", [3.0]),
        ("$10–$20, $5-8", "usd", [10.0, 20.0, 5.0, 8.0]),
        ("$10-20k", "usd", [10_000.0, 20_000.0]),
        ("350–375°F", "C", [176.667, 190.556]),
    ],
)
def test_a_range_gives_both_its_ends(text: str, unit: str, values: list[float]) -> None:
    assert found(text, unit) == pytest.approx(values, abs=0.001)


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("1h30m, 1h30, 1:30 hours, 1 hr. 30 mins, 1 hour, 30 minutes", "minutes", [90.0] * 5),
        ("1 day 2 hours 30 minutes", "hours", [26.5]),
        ("5 ft 3 in, 5′3″, 5'3\"", "cm", [160.02] * 3),
        ("1 lb 4 oz", "g", [566.99]),
        ("5 dollars and 20 cents", "usd", [5.2]),
        ("Given: 1 kg, 29 g", "g", [1000.0, 29.0]),
        ("1 kg 250 g", "g", [1250.0]),
        ("2 hours\n30 minutes", "minutes", [120.0, 30.0]),
        ("1 hour and 90 minutes", "minutes", [60.0, 90.0]),
    ],
)
def test_two_units_of_one_quantity_are_added(text: str, unit: str, values: list[float]) -> None:
    assert found(text, unit) == pytest.approx(values)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("8 in (20 cm)", [20.32, 20.0]),
        ("12 in wide, 12-inch, 3 in.", [30.48, 30.48, 7.62]),
        ("3 in the pan, 2 in total", []),
        ('the "option 5" way', []),
        ('8"x10"', [20.32, 25.4]),
    ],
)
def test_in_and_quotation_marks_are_inches_only_where_something_is_measured(text: str, values: list[float]) -> None:
    assert found(text, "cm") == pytest.approx(values)


def test_both_sides_of_an_area_have_its_unit_and_a_number_of_pieces_has_none() -> None:
    assert found("260 x 205 cm", "cm") == [260.0, 205.0]
    assert found("4 x 60 cm = 240 cm", "cm") == [60.0, 240.0]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("$1.2k, $3 million, USD 5k, 5 thousand dollars", [1200.0, 3_000_000.0, 5000.0, 5000.0]),
        ("21 cents, 5¢, 20$, US$60", [0.21, 0.05, 20.0, 60.0]),
        ("A$50, €20, 50 per cent", []),
    ],
)
def test_money_is_read_in_all_its_sizes_and_only_dollars(text: str, values: list[float]) -> None:
    assert sorted(found(text, "usd")) == pytest.approx(sorted(values))


@pytest.mark.parametrize(
    ("text", "unit"),
    [("60 miles per hour", "km"), ("2,5 liters", "l"), ("at 10:30 min", "minutes"), ("It is -5 °C.", "C"), ("20 m³", "m"), ("14 full weeks", "days")],
)
def test_the_end_of_another_number_or_unit_is_no_quantity(text: str, unit: str) -> None:
    assert found(text, unit) == []


@pytest.mark.parametrize("text", ["**400** g", r"\(400\,\text{g}\)", r"\boxed{400} g", "400 g/14 oz", "400\u00a0g"])
def test_mathematical_and_bold_figures_are_read(text: str) -> None:
    assert found(text, "g")[0] == pytest.approx(400.0)


@pytest.mark.parametrize("part", ["1", "1,", "1 ", "1/2 ", "1-", "one hundred ", "half a ", "5 ft ", "$1-"])
def test_a_long_text_of_numbers_is_read_in_no_time(part: str) -> None:
    started = time.process_time()
    for unit in ("count", "usd", "cm", "minutes"):
        found(part * (20_000 // len(part)), unit)
    assert time.process_time() - started < 15


@given(value=st.integers(10, 5000), unit=st.sampled_from(sorted(quantities.UNITS)), system=st.sampled_from(["metric", "imperial"]))
def test_what_is_printed_is_found_within_the_tolerance(value: int, unit: str, system: str) -> None:
    hits = found(f"Take {quantity(value, unit, system)}, no more.", unit)
    assert any(abs(hit - value) <= TOLERANCE * value for hit in hits)


@given(value=st.integers(1, 100_000), cents=st.integers(0, 99))
def test_money_that_is_printed_is_found(value: int, cents: int) -> None:
    assert found(f"It costs {money(value + cents / 100)}.", "usd") == [pytest.approx(value + cents / 100)]


@given(minutes=st.integers(0, 1439))
def test_a_printed_time_is_read_back(minutes: int) -> None:
    assert markup.minutes(clock(minutes, "h24")) == minutes


DAY = date(2027, 3, 4)


@pytest.mark.parametrize(
    "text",
    ["March 4, 2027", "Mar. 4th 2027", "the 4th of March, 2027", "4 March (2027)", "2027-03-04", "2027/3/4", "3/4/27", "4.3.2027", "March 4, '27"],
)
def test_a_day_is_named_with_its_year(text: str) -> None:
    assert names_day(f"It is due on {text}.", DAY)


@pytest.mark.parametrize(
    "text",
    ["March 4", "March the 4th", "4th of March", "4 Mar.", "3/4", "4.3.", "the fourth of March", "4-Mar", "March 4, 2,000 strong"],
)
def test_a_day_may_be_named_without_its_year(text: str) -> None:
    assert names_day(f"It is due on {text}, they say.", DAY)


@pytest.mark.parametrize(
    "text",
    ["March 4, 2028", "Mar. 4th 2028", "the 4th of March, 2026", "4 March (2028)", "2028-03-04", "2028/03/04", "3/4/28", "4.3. 2028", "March 4, '28"],
)
def test_a_day_in_another_year_is_another_day(text: str) -> None:
    assert not names_day(f"It is due on {text}.", DAY)


@pytest.mark.parametrize("text", ["Sept 3", "Sept. 3, 2027", "3 Sept", "September third", "9/3/2027", "3/9/2027", "09-03-2027", "03-09-27"])
def test_september_and_figures_in_either_order_are_read(text: str) -> None:
    assert names_day(f"It is due on {text}.", date(2027, 9, 3))


@pytest.mark.parametrize("text", ["the twenty-third of September", "September 30", "13 September", "3/9", "9/3/2028", "September\n3"])
def test_what_only_looks_like_the_day_is_another(text: str) -> None:
    assert not names_day(f"It is due on {text}.", date(2027, 9, 3))


def test_a_day_after_the_twelfth_may_stand_before_its_month_without_a_year() -> None:
    assert names_day("by 13/5", date(2027, 5, 13))


def test_another_year_beside_the_right_day_does_no_harm() -> None:
    assert names_day("Not March 4, 2028 but March 4, 2027.", DAY)


@given(day=st.dates(date(2020, 1, 1), date(2035, 12, 31)), years=st.integers(1, 9), style=st.sampled_from(["month_day", "day_month", "iso"]))
def test_a_printed_day_is_told_from_its_anniversaries(day: date, years: int, style: str) -> None:
    text = f"It ends on {quantities.calendar_day(day, style)}."
    assert names_day(text, day)
    assert day.day == 29 or not names_day(text, day.replace(year=day.year + years))


@pytest.mark.parametrize(
    "text", [r"7.68 , \text{kg}", r"7.68 \, \text{kg}", r"7.68\,\mathrm{kg}", r"7.68~\text{kg}", r"7.68 \; \text{ kg}", r"7.68 \text{kg}"]
)
def test_a_latex_space_stands_between_a_number_and_its_unit(text: str) -> None:
    assert found(text, "kg") == [7.68]
