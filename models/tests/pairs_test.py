"""Files of pairs, and what is said of those that are wrong."""

import os
import tempfile
import unittest

from vitrine_models import pairs


class PairsTest(unittest.TestCase):

    def _read(self, content):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pairs.csv")
            with open(path, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode())
            return [(one.product_a, one.product_b, one.weight, one.line) for one in pairs.read(path)]

    def _error(self, content):
        with self.assertRaises(ValueError) as caught:
            self._read(content)
        return str(caught.exception)

    def test_reads_columns_in_any_order_and_adds_up_what_stands_twice(self):
        self.assertEqual(
            self._read("\ufeffweight,product_b,product_a,shop\r\n2,b,a,x\r\n\r\n1,a,b,y\r\n0.5,d,c,\r\n"),
            [("a", "b", 3.0, 2), ("c", "d", 0.5, 5)])

    def test_a_pair_without_a_weight_counts_once(self):
        self.assertEqual(self._read('product_a,product_b\n"1,5",2\n'), [("1,5", "2", 1.0, 2)])

    def test_names_each_wrong_line(self):
        said = self._error("product_a,product_b,weight\n1,2,1\n3,,1\n4,4,1\n5,6,x\n7,8,nan\n9,10,-1\n"
                           "11,12\n13,14,inf\n")
        for line, why in ((3, "product_b is empty"), (4, "with itself"), (5, "'x' is no number"),
                          (6, "'nan' is not above 0"), (7, "'-1'"), (8, "2 columns instead of 3"),
                          (9, "'inf'")):
            self.assertRegex(said, rf"pairs.csv:{line}: .*{why}")
        self.assertNotIn("pairs.csv:2:", said)

    def test_names_ten_wrong_lines_at_most(self):
        said = self._error("product_a,product_b\n" + "1,1\n" * 25)
        self.assertEqual(said.count("pairs.csv:"), 10)
        self.assertIn("and 15 more lines", said)

    def test_says_what_is_wrong_with_a_whole_file(self):
        self.assertIn("is empty", self._error(""))
        self.assertIn("has no pair", self._error("product_a,product_b\n"))
        self.assertIn("pairs.csv:1: the first line", self._error("1,2\n3,4\n"))
        self.assertIn("not UTF-8", self._error(b"product_a,product_b\n\xff\xfe,2\n"))
        self.assertRegex(self._error('product_a,product_b\n1,2\n"3,4\n'), r"pairs\.csv:\d")
        with self.assertRaises(OSError):
            pairs.read("/nonexistent/pairs.csv")

    def test_writes_what_it_reads(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "pairs.csv")
            pairs.write(path, [("1", "2"), ("a,b", "c")])
            self.assertEqual([(one.product_a, one.product_b) for one in pairs.read(path)],
                             [("1", "2"), ("a,b", "c")])


if __name__ == "__main__":
    unittest.main()
