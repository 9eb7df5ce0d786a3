"""A claim passes when it holds, and cannot pass when it does not."""

import numpy as np
import pytest

from vaehelpers.claims import ClaimError, claim, claim_close


@pytest.mark.parametrize("holds", [True, np.True_, np.array(True)])
def test_a_claim_that_holds_is_printed(capsys, holds):
    claim("water is wet", holds)
    assert capsys.readouterr().out == "✓ water is wet\n"


@pytest.mark.parametrize("holds", [False, np.False_])
def test_a_claim_that_does_not_hold_raises(capsys, holds):
    with pytest.raises(ClaimError, match="water is dry"):
        claim("water is dry", holds)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("holds", [1, 0.3, "yes", None, np.array([True, True]), [True]])
def test_what_is_no_truth_value_is_refused(holds):
    with pytest.raises(TypeError, match="holds has type"):
        claim("a number is no claim", holds)


def test_claim_close_prints_the_expected_number_and_the_measured_one(capsys):
    claim_close("the rate", np.float32(3.512345), expected=3.5, within=0.1, unit="nats")
    claim_close("the ELBO", -154.2, expected=-155, within=1)
    assert capsys.readouterr().out == (
        "✓ the rate: 3.5 ± 0.1 nats; here 3.512\n✓ the ELBO: -155 ± 1; here -154.2\n"
    )


def test_what_was_measured_can_be_hidden(capsys, monkeypatch):
    monkeypatch.setenv("VAEHELPERS_MEASURED", "hidden")
    claim_close("the rate", 3.51, expected=3.5, within=0.1, unit="nats")
    assert capsys.readouterr().out == "✓ the rate: 3.5 ± 0.1 nats\n"


@pytest.mark.parametrize("value", [3.61, 3.39, float("nan"), float("inf")])
def test_claim_close_raises_with_the_measured_number(value):
    with pytest.raises(ClaimError, match=f"measured {value:.6g}"):
        claim_close("the rate", value, expected=3.5, within=0.1, unit="nats")


@pytest.mark.parametrize(
    ("arguments", "error", "name"),
    [
        ({"value": [1.0]}, TypeError, "value"),
        ({"value": "1"}, TypeError, "value"),
        ({"value": True}, TypeError, "value"),
        ({"expected": True}, TypeError, "expected"),
        ({"expected": [1.0]}, TypeError, "expected"),
        ({"expected": float("nan")}, ValueError, "expected"),
        ({"within": float("inf")}, ValueError, "within"),
        ({"within": True}, TypeError, "within"),
        ({"within": "0.1"}, TypeError, "within"),
        ({"within": 0}, ValueError, "within"),
        ({"within": -1}, ValueError, "within"),
    ],
)
def test_claim_close_refuses_what_could_not_fail(arguments, error, name):
    with pytest.raises(error, match=f"^{name} "):
        claim_close("the rate", **{"value": 1.0, "expected": 1.0, "within": 0.1, **arguments})
