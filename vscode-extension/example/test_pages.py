import unittest

from pages import expand


class Pages(unittest.TestCase):
    def test_one_page(self):
        self.assertEqual(expand("4"), [4])

    def test_a_range(self):
        self.assertEqual(expand("7-9"), [7, 8, 9])

    def test_pages_and_ranges(self):
        self.assertEqual(expand("1-3, 5, 8-9"), [1, 2, 3, 5, 8, 9])

    def test_sorted(self):
        self.assertEqual(expand("12, 3, 7"), [3, 7, 12])

    def test_no_number_twice(self):
        self.assertEqual(expand("5, 1-3, 2-4, 5"), [1, 2, 3, 4, 5])

    def test_backwards(self):
        with self.assertRaises(ValueError):
            expand("3-1")
