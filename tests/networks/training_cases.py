"""What the training of every network must do: end the same however it was broken off, and refuse bad input clearly.

A network's own tests inherit `TrainingCases`. Python 3.8, standard library and NumPy.
"""

import glob
import json
import os
import random
import shutil
import signal
import tempfile
import time

import numpy as np

from stagekit import Note, Progress, decode
from stagekit.results.apart import load_whole
from stagekit.results.train import TrainFile
from tests.networks.stages import assert_threads_as_declared, made_layers, made_pairs, results, run_stage, started_stage

KILLS = 2
MANY = 40


class TrainingCases:
    """Mixed into a unittest.TestCase with `network`, `recipe` (two epochs), `file` and `tensors(path)`."""

    network = ""
    recipe = {}
    file = "weights.pt"
    drawn = ("layers", "pairs")
    processors_count = False

    @staticmethod
    def tensors(path):
        """Return the arrays of a weights file by name."""
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp()
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.inputs = {
            "synthetic": made_layers(os.path.join(cls.folder, "layers")),
            "real": made_pairs(os.path.join(cls.folder, "pairs")),
        }
        cls.whole = cls.trained("whole")

    @classmethod
    def trained(cls, run, inputs=None, settings=None, **changes):
        """Run the train stage to its end; changes: of the recipe, or of the request where it has the field."""
        request, recipe = {"seed": 3, "elsewhere": changes.pop("elsewhere", False)}, dict(cls.recipe)
        for name, value in changes.items():
            (recipe if name in recipe else request)[name] = value
        said = {**cls.settings(), "recipe": recipe, **(settings or {})}
        return run_stage(cls.network, os.path.join(cls.folder, run), "train", said, inputs or cls.inputs, **request)

    @classmethod
    def settings(cls):
        """Return the settings of the train stage."""
        return {"model": cls.network, "recipe": cls.recipe, "features": "random"}

    def output(self, run, *names):
        """Return a path in a run's output folder."""
        return os.path.join(self.folder, run, "output", *names)

    def content(self, run, name):
        """Return a JSON file of a run's output."""
        with open(self.output(run, name), encoding="utf-8") as stream:
            return json.load(stream)

    def training(self, run):
        """Return what a run says of itself."""
        return load_whole(TrainFile, self.output(run), os.path.join(self.folder, run, "facts"))

    def assert_same(self, run, *more):
        """The run ended with the very results of the unbroken one. more: folders that it left besides"""
        expected, found = (results(os.path.join(self.folder, name)) for name in ("whole", run))
        found = {name: digest for name, digest in found.items() if not name.startswith(more)} if more else found
        self.assertEqual(found, expected)

    def assert_refused(self, result, *parts, code=10):
        """The stage ended with an exit code and one message that holds all of these."""
        self.assertEqual(result.code, code, result.log)
        message = [line for line in result.log.splitlines() if '"failure"' in line][-1]
        for part in parts:
            self.assertIn(part, message)

    def test_two_epochs_leave_weights_curves_events_and_facts(self):
        self.assertEqual(self.whole.code, 0, self.whole.log)
        training = self.training("whole")
        self.assertEqual((training.epochs, training.features), (2, "random"))
        memory = training.memory
        self.assertGreater(memory.peak_bytes, 50 * 2**20)
        self.assertEqual((memory.savings, memory.budget_bytes, memory.device), ((), None, "cpu"))
        self.assertTrue(0 <= training.waiting_s <= training.seconds)
        (events,) = glob.glob(os.path.join(self.folder, "whole", "facts", "events", "*"))
        self.assertGreater(os.path.getsize(events), 2000)
        notes = [decode(line).message for line in self.whole.log.splitlines() if isinstance(decode(line), Note)]
        self.assertTrue(any(note.startswith("the largest step") for note in notes), notes)

    def test_stopped_on_request_and_killed_at_random_moments_ends_with_the_same_weights(self):
        """What a request to stop leaves goes on with the very next sample, what a kill leaves with an earlier one."""
        seed = int.from_bytes(os.urandom(4), "little")
        draw = random.Random(seed)
        print("kills of %s drawn from seed %d" % (self.network, seed))
        self.assertEqual(self.broken_off(signal.SIGTERM, 1), 12)
        for _ in range(KILLS):
            code = self.broken_off(signal.SIGKILL, draw.randrange(1, 6), draw.uniform(0, 0.3), checkpoint_s=0.0)
            self.assertIn(code, (-signal.SIGKILL, 0))
        self.assertEqual(self.trained("broken-off", checkpoint_s=0.0).code, 0)
        self.assert_same("broken-off")

    def broken_off(self, number, messages, wait_s=0.0, **request):
        """Go on with a training, send a signal after some messages and a moment, and return its exit code."""
        folder = os.path.join(self.folder, "broken-off")
        with started_stage(self.network, folder, "train", self.settings(), self.inputs, seed=3, **request) as process:
            for line in process.stdout:
                messages -= isinstance(decode(line), Progress)
                if not messages:
                    break
            time.sleep(wait_s)
            process.send_signal(number)
            process.communicate()
        return process.returncode

    def test_surroundings_processes_recomputed_activations_and_kept_weights_change_no_bit(self):
        time.sleep(max(0.0, 2.1 - (time.time() - os.path.getmtime(self.output("whole", self.file)))))
        more = {"workers": 2, "memory_saving_level": 1, "settings": {"snapshots": [1, 2]}}
        result = self.trained("again/elsewhere", elsewhere=True, **more)
        self.assertEqual(result.code, 0, result.log)
        self.assertEqual(self.training("again/elsewhere").memory.savings, ("activation checkpointing",))
        self.assert_same("again/elsewhere", "snapshots")
        ending = os.path.splitext(self.file)[1]
        first, last = (
            self.tensors(self.output("again/elsewhere", "snapshots", "epoch_%04d%s" % (epoch, ending)))
            for epoch in (1, 2)
        )
        final = self.tensors(self.output("again/elsewhere", self.file))
        self.assertTrue(all(np.array_equal(last[name], final[name]) for name in final))
        self.assertFalse(all(np.array_equal(first[name], final[name]) for name in final))

    def test_threads_decide_the_weights_only_where_that_is_declared(self):
        recipe = {**self.recipe, "steps": 3}
        said = {**self.settings(), "recipe": recipe}
        folder = os.path.join(self.folder, "threads")
        assert_threads_as_declared(self.network, folder, "train", said, self.inputs, self.processors_count, seed=3)

    def test_another_seed_gives_other_weights(self):
        self.assertEqual(self.trained("other", seed=4, steps=1).code, 0)
        first, second = (self.tensors(self.output(run, self.file)) for run in ("whole", "other"))
        self.assertTrue(any(not np.array_equal(first[name], second[name]) for name in first))

    def test_a_budget_that_is_too_small_is_said_with_the_numbers(self):
        result = self.trained("narrow", memory_bytes=100 * 2**20)
        self.assert_refused(result, "BudgetTooSmall", "the largest training step", "the budget is 0.1 GiB", code=11)
        self.assertFalse(os.path.exists(self.output("narrow", self.file)))

    def test_a_single_picture_cannot_be_blended(self):
        inputs = {"synthetic": made_layers(os.path.join(self.folder, "single"), count=1)}
        self.assert_refused(self.trained("one", inputs), "the training data has a single picture")

    def test_an_unreadable_picture_is_named(self):
        folder = made_layers(os.path.join(self.folder, "broken", "layers"))
        for number in range(4):
            with open(os.path.join(folder, "%d.png" % number), "r+b") as stream:
                stream.truncate(200)
        self.assert_refused(self.trained("broken-run", {"synthetic": folder}, workers=1), ".png cannot be read")

    def test_a_pair_of_two_sizes_is_named(self):
        inputs = {**self.inputs, "real": made_pairs(os.path.join(self.folder, "uneven"), other=(48, 41))}
        sampling = [{**entry, "synthetic": 0.0} for entry in self.recipe["sampling"]]
        result = self.trained("uneven-run", inputs, sampling=sampling)
        self.assert_refused(result, "blended/a.png has 50 x 41", "transmission/a.png has 48 x 41")

    def test_a_loss_that_is_no_number_ends_the_training_and_keeps_the_last_good_state(self):
        rate = [{"epoch": 0, "rate": self.recipe["rate"][0]["rate"]}, {"epoch": 1, "rate": 1e30}]
        result = self.trained("lost", rate=rate, epochs=MANY)
        self.assert_refused(result, "is not a finite number", "epoch", "lower the recipe's learning rate", code=1)
        self.assertTrue(glob.glob(os.path.join(self.folder, "lost", "work", "checkpoint.*.json")))
        self.assertFalse(os.path.exists(self.output("lost", self.file)))
