"""What ghz is to send, from what an index and a folder of pictures hold."""

import base64
import glob
import json
import os
import stat
import tempfile
import unittest
from unittest import mock

import write_data

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")

PRODUCTS = [
    {"product_id": str(i), "images": [{"key": f"{i}.jpg", "vector": [float(i), 0.5]}]}
    for i in range(5)
]


class ConfigurationTest(unittest.TestCase):

    def test_each_asks_a_call_of_the_proto_with_data_that_is_written(self):
        paths = glob.glob(os.path.join(HERE, "..", "*.json"))
        self.assertEqual(len(paths), 5)
        for path in paths:
            with open(path, encoding="utf-8") as file:
                config = json.load(file)
            name = os.path.basename(path).removesuffix(".json")
            self.assertEqual(config["name"], name)
            self.assertEqual(config["data-file"], f"build/load/data/{name}.json")
            # Requests in flight at the end are no errors.
            self.assertEqual(config["duration-stop"], "wait")
            with open(os.path.join(ROOT, config["proto"]), encoding="utf-8") as file:
                self.assertIn(f"rpc {config['call'].rpartition('.')[2]}(", file.read())
            self.assertTrue(write_data.requests_for(name, PRODUCTS, lambda: ["aGk="]))


class RequestsTest(unittest.TestCase):

    def test_a_product_is_asked_for_by_its_id_and_by_its_first_vector(self):
        by_id = write_data.requests_for("products", PRODUCTS, None)
        self.assertEqual(by_id[3], {"examples": [{"product_id": "3"}], "k": 10})
        by_vector = write_data.requests_for("vectors", PRODUCTS, None)
        self.assertEqual(by_vector[3]["examples"], [{"vector": {"values": [3.0, 0.5]}}])
        self.assertEqual(write_data.requests_for("recommend", PRODUCTS, None)[4],
                         {"product_id": "4"})

    def test_batches_are_full_and_numbered_however_few_products_there_are(self):
        stream = write_data.requests_for("stream", PRODUCTS, None)
        self.assertEqual([batch["batch_id"] for batch in stream], [1, 2, 3, 4, 5, 6, 7, 8])
        self.assertEqual({len(batch["queries"]) for batch in stream}, {16})

    def test_names_a_configuration_that_has_no_data(self):
        with self.assertRaisesRegex(write_data.Problem, "'videos'"):
            write_data.requests_for("videos", PRODUCTS, None)

    def test_spread_takes_some_of_many_and_all_of_few(self):
        self.assertEqual(write_data.spread(list(range(10)), 5), [0, 2, 4, 6, 8])
        self.assertEqual(write_data.spread([1, 2], 5), [1, 2])


class FolderTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def _write(self, name, content=b"x"):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        return path

    def test_pictures_are_found_below_the_folder_and_nothing_else(self):
        for name in ("b/2.PNG", "a.jpg", "notes.txt", ".hidden.jpg", ".git/x.jpg"):
            self._write(name)
        found = [os.path.relpath(path, self.folder)
                 for path in write_data.picture_files(self.folder)]
        self.assertEqual(found, ["a.jpg", "b/2.PNG"])

    def test_pictures_are_sent_as_they_are_and_within_the_limit(self):
        for i in range(4):
            self._write(f"{i}.jpg", bytes([i]) * 10)
        with mock.patch.object(write_data, "PICTURE_BYTES", 25):
            sent = write_data.pictures_of(self.folder)
        self.assertEqual([base64.b64decode(picture) for picture in sent],
                         [b"\0" * 10, b"\1" * 10])
        with mock.patch.object(write_data, "PICTURE_BYTES", 5):
            self.assertEqual(len(write_data.pictures_of(self.folder)), 1)

    def test_a_folder_without_pictures_is_named(self):
        for folder in (self.folder, os.path.join(self.folder, "absent")):
            with self.assertRaisesRegex(write_data.Problem, folder):
                write_data.picture_files(folder)

    def _program(self, script):
        path = self._write("program", b"#!/bin/sh\n" + script.encode())
        os.chmod(path, stat.S_IRWXU)
        return path

    def test_reads_no_more_of_an_endless_export_than_it_needs(self):
        program = self._program("exec yes '{}'\n")
        self.assertEqual(write_data.ask([program], 3), [{}, {}, {}])

    def test_a_command_that_fails_is_named(self):
        program = self._program("echo '{}'; exit 7\n")
        with self.assertRaisesRegex(write_data.Problem, "export.*status 7"):
            write_data.ask([program, "export"], 3)

    def test_an_answer_that_is_an_error_is_told(self):
        program = self._program("""echo '{}'; echo '{"error": {"message": "no such vector"}}'\n""")
        with self.assertRaisesRegex(write_data.Problem, "1 of 2 .* no such vector"):
            write_data.ask([program, "search"])


if __name__ == "__main__":
    unittest.main()
