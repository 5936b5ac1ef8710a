"""Filters: as texts, as expressions, as mappings."""

import math
import unittest

import numpy as np

import vitrine
from vitrine import attr, filters
from vitrine.v1 import search_pb2

from google.protobuf import text_format


def _parsed(text: str) -> search_pb2.Filter:
    return text_format.Parse(text, search_pb2.Filter())


class Texts(unittest.TestCase):

    def _means(self, text: str, expected: str) -> None:
        self.assertEqual(filters.parse(text).proto, _parsed(expected), text)

    def test_are_conditions_as_the_command_takes_them(self):
        self._means("colour=Red", 'condition { attribute: "colour" any_of { values: "Red" } }')
        self._means("colour=Red|Blue",
                    'condition { attribute: "colour" any_of { values: ["Red", "Blue"] } }')
        self._means("price<=50", 'condition { attribute: "price" range { max: 50 } }')
        self._means("price>=-1.5e2", 'condition { attribute: "price" range { min: -150 } }')
        self._means("season?", 'condition { attribute: "season" exists: true }')
        self._means("!colour=Red", 'none { filters { condition { attribute: "colour" '
                                   'any_of { values: "Red" } } } }')

    def test_less_and_more_stop_at_the_next_number(self):
        below = filters.parse("price<50").proto.condition.range
        self.assertEqual(below.max, math.nextafter(50, 0))
        self.assertEqual(filters.parse("price>50").proto.condition.range.min,
                         math.nextafter(50, 100))

    def test_and_joins_and_spaces_around_signs_count_nothing(self):
        self._means("category = Dress AND price < 0.5 AND season ?",
                    'all { filters { condition { attribute: "category" any_of { values: "Dress" } '
                    '} } filters { condition { attribute: "price" range { max: '
                    f'{math.nextafter(0.5, 0)!r} }} }} }} '
                    'filters { condition { attribute: "season" exists: true } } }')

    def test_a_backslash_takes_the_next_character_as_it_is(self):
        self._means(r"brand=A\|B", 'condition { attribute: "brand" any_of { values: "A|B" } }')
        self._means(r"brand=R\ AND D",
                    'condition { attribute: "brand" any_of { values: "R AND D" } }')
        self._means(r"a\=b=\ c\ ", 'condition { attribute: "a=b" any_of { values: " c " } }')
        self._means("brand=c\\", 'condition { attribute: "brand" any_of { values: "c\\\\" } }')

    def test_refuses_what_is_no_condition_and_says_what_is_right(self):
        for text, says in (("", "NAME=VALUE"), ("colour", "NAME=VALUE"), ("=Red", "NAME=VALUE"),
                           ("colour=", "lacks a value"), ("colour=Red|", "lacks a value"),
                           ("price<cheap", "no number"), ("price<nan", "no number"),
                           ("price<inf", "no number"), ("colour==Red", "one = too many"),
                           ("price=<50", "wrong way round"), ("!!colour=Red", "one ! too many"),
                           ("colour!=Red", "write !colour=Red"), ("season?x", "goes on"),
                           ("price<<5", "too many"), ("a=b AND ", "NAME=VALUE"),
                           ("a=b AND  AND c=d", "NAME=VALUE"), ("price<", "no number")):
            with self.assertRaisesRegex(vitrine.InvalidArgument, says, msg=text):
                filters.parse(text)

    def test_any_text_is_parsed_or_refused(self):
        alphabet = ["\\", "=", "<", "!", "|", "?", " AND ", "a", "\0", "\U0001f600", " "]
        for number in range(len(alphabet) ** 4):
            text = ""
            for _ in range(4):
                text += alphabet[number % len(alphabet)]
                number //= len(alphabet)
            try:
                filters.parse(text)
            except vitrine.InvalidArgument:
                pass


class Expressions(unittest.TestCase):

    def test_are_joined_and_turned_round(self):
        made = (attr("price") <= 50) & ~attr("colour").is_in(["Red", 7, True]) \
            | attr("new").exists()
        self.assertEqual(made.proto, _parsed(
            'any { filters { all { filters { condition { attribute: "price" range { max: 50 } } } '
            'filters { none { filters { condition { attribute: "colour" '
            'any_of { values: ["Red", "7", "true"] } } } } } } } '
            'filters { condition { attribute: "new" exists: true } } }'))

    def test_flags_are_compared_as_flags(self):
        self.assertEqual((attr("sale") == True).proto,  # noqa: E712
                         _parsed('condition { attribute: "sale" flag: true }'))
        self.assertEqual((attr("sale") != False).proto, _parsed(  # noqa: E712
            'none { filters { condition { attribute: "sale" flag: false } } }'))

    def test_numpys_scalars_are_compared_as_what_they_mean(self):
        for value, same in ((np.bool_(True), True), (np.bool_(False), False), (np.int64(7), 7),
                            (np.float64(0.5), 0.5), (np.str_("Red"), "Red")):
            self.assertEqual((attr("a") == value).proto, (attr("a") == same).proto)
            self.assertEqual((attr("a") != value).proto, (attr("a") != same).proto)
            self.assertEqual(attr("a").is_in([value]).proto, attr("a").is_in([same]).proto)
            self.assertEqual(filters.to_proto({"a": value}), filters.to_proto({"a": same}))
        self.assertEqual(filters.to_proto({"sale": np.bool_(True)}),
                         _parsed('condition { attribute: "sale" flag: true }'))

    def test_what_is_no_number_equals_nothing_and_is_refused(self):
        for number in (math.nan, math.inf, -math.inf, np.float32("nan")):
            for make in (lambda value: attr("price") == value,
                         lambda value: attr("price") != value,
                         lambda value: attr("price").is_in([5, value]),
                         lambda value: filters.to_proto({"price": value})):
                with self.assertRaisesRegex(vitrine.InvalidArgument, "finite"):
                    make(number)

    def test_and_in_place_of_the_sign_is_refused_and_not_wrong(self):
        with self.assertRaisesRegex(vitrine.InvalidArgument, "&"):
            bool((attr("a") == 1) and (attr("b") == 2))
        with self.assertRaisesRegex(vitrine.InvalidArgument, "&"):
            1 if 20 < attr("price") < 50 else 2  # noqa: B018

    def test_numbers_must_be_numbers(self):
        for bound in (math.nan, math.inf, "cheap", None, object()):
            with self.assertRaises(vitrine.InvalidArgument):
                attr("price") < bound  # noqa: B015


class Mappings(unittest.TestCase):

    def test_hold_values_lists_and_ranges(self):
        self.assertEqual(
            filters.to_proto({"colour": ["Red", "Blue"], "price": (20, None), "sale": True}),
            filters.to_proto([attr("colour").is_in(["Red", "Blue"]), attr("price") >= 20,
                              attr("sale") == True]))  # noqa: E712

    def test_several_texts_must_all_hold(self):
        self.assertEqual(filters.to_proto(["a=b", attr("c") == "d"]),
                         filters.to_proto("a=b AND c=d"))

    def test_nothing_is_no_filter(self):
        for nothing in ({}, []):
            with self.assertRaises(vitrine.InvalidArgument):
                filters.to_proto(nothing)


if __name__ == "__main__":
    unittest.main()
