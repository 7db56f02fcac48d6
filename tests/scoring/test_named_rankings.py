"""Rankings by name."""

from repope_eval.scoring.named_rankings import agreement_of, overtakers_of, ranks_of


def test_the_highest_is_first_equal_ones_share_the_better_place_and_undefined_ones_have_none() -> None:
    assert ranks_of({"a": 0.5, "b": 0.9, "c": None, "d": 0.5, "e": 0.1}) == {
        "a": 2,
        "b": 1,
        "c": None,
        "d": 2,
        "e": 4,
    }


def test_agreement_is_one_for_the_same_order_and_minus_one_for_the_reverse() -> None:
    before = {"a": 0.1, "b": 0.2, "c": 0.3}
    assert agreement_of(before, {"a": 0.5, "b": 0.6, "c": 0.7}) == 1
    assert agreement_of(before, {"a": 0.7, "b": 0.6, "c": 0.5}) == -1


def test_agreement_is_about_the_models_that_have_both_values() -> None:
    assert agreement_of({"a": 0.1, "b": 0.2, "c": None}, {"a": 0.5, "b": 0.6, "c": 0.1}) == 1
    assert agreement_of({"a": 0.1}, {"a": 0.1}) is None
    assert agreement_of({}, {}) is None


def test_overtakers_stand_strictly_behind_before_and_strictly_ahead_afterwards() -> None:
    before = {"a": 0.1, "b": 0.2, "c": 0.2, "d": None}
    after = {"a": 0.3, "b": 0.2, "c": 0.3, "d": 0.9}
    assert overtakers_of(before, after) == [("a", "b")]
