"""Stage `evaluate`, run by the image's program; and the protocols' numbers with the image's own versions."""

import csv
import json
import os
import tempfile
import unittest

import numpy as np
import pyarrow.parquet
from PIL import Image
from stage import run_stage, scenes

from netkit.pictures import write_picture
from netkit.seeded import seeded_image
from orchestrator.metrics import course2024, errnet2019, standard
from stagekit import ExitCode, Progress, WarningMessage
from stagekit.results.predictions import PredictionItem, PredictionsFile

ALL = ["psnr", "ssim", "lpips"]


def read_pixels(path):
    with Image.open(path) as picture:
        return np.array(picture)


def settings(**changes):
    defaults = {"model": "input", "control": True, "protocol": "standard", "version": 1, "metrics": ALL}
    return {**defaults, "features": "random", **changes}


class EvaluateTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        prepared = run_stage(os.path.join(cls.folder, "prepare"), "prepare", scenes(), {})
        assert prepared.code == ExitCode.DONE, prepared.log
        cls.dataset = prepared.output
        items = prepared.document("dataset.json")["items"]
        cls.ids = [item["id"] for item in items]
        cls.truths = {item["id"]: item["transmission"] for item in items}

    def stage(self, changes, **inputs):
        folder = os.path.join(self.folder, self.id().rpartition(".")[2])
        return run_stage(folder, "evaluate", settings(**changes), {"dataset": self.dataset, **inputs})

    def predictions(self, height=48, width=64):
        folder = os.path.join(self.folder, self.id().rpartition(".")[2], "predictions")
        os.makedirs(folder)
        items = []
        for name in self.ids:
            write_picture(os.path.join(folder, name + ".png"), seeded_image(name, height, width))
            items.append(PredictionItem(name, name + ".png", height, width, 0.0, 1.0))
        PredictionsFile("net", "small", "exact", "exact", tuple(items)).save(folder)
        return folder

    def test_the_truth_is_perfect(self):
        result = self.stage({"model": "truth"})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        document = result.document("scores.json")
        expected = [{"id": name, "values": {"psnr": "inf", "ssim": 1.0, "lpips": 0.0}} for name in self.ids]
        self.assertEqual(document["items"], expected)
        self.assertEqual((document["model"], document["dataset"]), ("truth", "small"))
        self.assertEqual((document["protocol"], document["metrics"]), ("standard", ALL))

    def test_the_input_is_not_perfect_and_random_features_are_noted(self):
        result = self.stage({})
        document = result.document("scores.json")
        for item in document["items"]:
            self.assertLess(item["values"]["psnr"], 40)
            self.assertLess(item["values"]["ssim"], 1)
            self.assertGreater(item["values"]["lpips"], 0)
        self.assertEqual(len(document["notes"]), 1)
        self.assertIn("not the published LPIPS", document["notes"][0])
        progress = [message for message in result.messages if isinstance(message, Progress)]
        self.assertEqual([(message.done, message.total) for message in progress], [(n, 4) for n in range(1, 5)])

    def test_predictions_are_scored(self):
        result = self.stage({"model": "net", "control": False, "metrics": ["psnr"]}, predictions=self.predictions())
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        document = result.document("scores.json")
        self.assertEqual([sorted(item["values"]) for item in document["items"]], [["psnr"]] * 2)
        self.assertEqual(document["notes"], [])

    def test_predictions_of_another_size_are_named_and_not_measured(self):
        predictions = self.predictions(48, 60)
        result = self.stage({"model": "net", "control": False}, predictions=predictions)
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        document = result.document("scores.json")
        why = {"not_measured": "the prediction has 48 x 60 pixels, the truth 48 x 64"}
        for item in document["items"]:
            self.assertEqual([item["values"][name] for name in ALL], [why] * 3)
        self.assertIn("2 of 2 pictures were not scored", document["notes"][-1])
        self.assertTrue(any(isinstance(message, WarningMessage) for message in result.messages))

    def test_lpips_without_its_weights_says_what_to_put_where(self):
        result = self.stage({"features": "pretrained"})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        for item in result.document("scores.json")["items"]:
            self.assertIsInstance(item["values"]["psnr"], float)
            why = item["values"]["lpips"]["not_measured"]
            self.assertTrue(why.startswith("AlexNet weights missing, put alexnet-owt-7be5be79.pth into"), why)

    def test_the_tables_hold_the_same_scores(self):
        result = self.stage({"protocol": "course2024", "metrics": ["psnr", "wrapped"]})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        document = result.document("scores.json")
        expected = [
            (item["id"], name, item["values"][name]) for item in document["items"] for name in document["metrics"]
        ]
        table = pyarrow.parquet.read_table(os.path.join(result.output, "scores.parquet")).to_pylist()
        self.assertEqual([(row["picture"], row["metric"], row["score"]) for row in table], expected)
        self.assertEqual({(row["protocol"], row["version"]) for row in table}, {("course2024", 1)})
        self.assertTrue(all("wrap around" in row["fault"] for row in table))
        with open(os.path.join(result.output, "scores.csv"), newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        self.assertEqual([(row["picture"], row["metric"], float(row["score"])) for row in rows], expected)

    def test_floats_are_scored_by_errnet2019(self):
        predictions = self.predictions()
        os.makedirs(os.path.join(predictions, "arrays"))
        for name in self.ids:
            answer = seeded_image(name, 48, 64).astype(np.float32)
            np.save(os.path.join(predictions, "arrays", name + ".transmission.npy"), answer)
        changes = {"model": "net", "control": False, "metrics": ["psnr"]}
        floats = self.stage({**changes, "protocol": "errnet2019"}, predictions=predictions).document("scores.json")
        for item in floats["items"]:
            truth = read_pixels(os.path.join(self.dataset, self.truths[item["id"]]))
            answer = np.float64(seeded_image(item["id"], 48, 64).astype(np.float32)) * 255
            self.assertAlmostEqual(item["values"]["psnr"], errnet2019.psnr(answer, truth), delta=1e-9)
            self.assertNotEqual(item["values"]["psnr"], errnet2019.psnr(np.round(answer), truth))

    def test_course2024_feeds_lpips_with_exchanged_colours(self):
        right = self.stage({"metrics": ["lpips"]}).document("scores.json")["items"]
        folder = os.path.join(self.folder, "swapped")
        changes = settings(protocol="course2024", metrics=["lpips"])
        swapped = run_stage(folder, "evaluate", changes, {"dataset": self.dataset}).document("scores.json")["items"]
        for one, other in zip(right, swapped):
            self.assertGreater(abs(one["values"]["lpips"] / other["values"]["lpips"] - 1), 1e-3)

    def test_another_file_of_features_ends_with_bad_input(self):
        path = os.path.join(self.folder, "other.pth")
        with open(path, "wb") as stream:
            stream.write(b"not AlexNet")
        result = self.stage({"features": "pretrained"}, features=path)
        self.assertEqual(result.code, ExitCode.BAD_INPUT, result.log)
        self.assertIn("7be5be79", result.messages[-1].message)

    def test_the_other_protocols_can_be_asked_for(self):
        result = self.stage({"protocol": "errnet2019", "metrics": ["psnr", "ssim", "lmse", "ncc"]})
        self.assertEqual(result.code, ExitCode.DONE, result.log)
        self.assertEqual(result.document("scores.json")["notes"], [])


class ParityTest(unittest.TestCase):
    def test_the_protocols_give_the_reference_numbers(self):
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        with open(os.path.join(root, "tests", "parity", "metrics.json"), encoding="utf-8") as stream:
            reference = json.load(stream)
        for tag, expected in reference.items():
            exact, other = (
                seeded_image("metrics_%s/%s" % (tag, part), expected["height"], expected["width"])
                for part in ("truth", "other")
            )
            noisy = np.clip(exact + (other - 0.5) * expected["noise"] / 100, 0, 1)
            prediction, truth = (np.round(255 * values).astype(np.uint8) for values in (noisy, exact))
            rgb = expected["rgb"]
            found = [
                (standard.psnr, rgb["psnr_over_all_channels"]),
                (standard.ssim, rgb["ssim_gaussian_sigma1.5_channel_mean"]),
                *[(getattr(errnet2019, name), value) for name, value in expected["errnet2019"].items()],
                *[(getattr(course2024, name), expected["course2024"][name]) for name in ("psnr", "ssim")],
            ]
            for metric, value in found:
                with self.subTest(tag=tag, metric=metric.__module__ + "." + metric.__name__):
                    self.assertAlmostEqual(metric(prediction, truth) / value, 1, delta=1e-6)


if __name__ == "__main__":
    unittest.main()
