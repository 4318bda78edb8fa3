"""Which files of a folder belong to which part, with which labels, by Keras' rules."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradwise.config import next_seed
from gradwise.data.file_lists import list_classes, list_files
from gradwise.errors import InputError, unknown_name

LABEL_MODES = ("int", "categorical", "binary")
SUBSETS = ("training", "validation", "both")


@dataclass(frozen=True)
class Part:
    """Some of the files.

    Args:
        paths: N paths.
        labels: int32[N], float32[N, 1] for label_mode="binary", or None.
        class_names: The names of the classes, or None.
        shuffle: Whether each epoch has another order.

    Example:
        >>> Part(["a.png"], None, None, False).labels is None
        True
    """

    paths: list[str]
    labels: NDArray[Any] | None
    class_names: list[str] | None
    shuffle: bool


@dataclass(frozen=True)
class Selection:
    """The arguments that Keras' functions for folders share; see `image_dataset_from_directory`.

    Args:
        where: The function to name in errors.
        directory: The folder.
        labels: "inferred", one number for each file, or None.
        label_mode: "int", "categorical", "binary" or None.
        class_names: The folders to read, in the order of their labels, or None.
        shuffle: Whether the files are shuffled, here and in each epoch.
        seed: Of the order.
        validation_split: The share of the validation part, or None.
        subset: "training", "validation", "both" or None.
        follow_links: Whether links to folders within a class are followed.
        verbose: Whether the numbers of files are printed.

    Raises:
        InputError: Two arguments do not go together, or one is unknown.

    Example:
        >>> Selection("images", ".", "inferred", "int", None, False, None, None, None, False, False).shuffle
        False
    """

    where: str
    directory: str | os.PathLike[str]
    labels: str | Sequence[int] | None
    label_mode: str | None
    class_names: Sequence[str] | None
    shuffle: bool
    seed: int | None
    validation_split: float | None
    subset: str | None
    follow_links: bool
    verbose: bool

    def __post_init__(self) -> None:
        if self.label_mode not in (None, *LABEL_MODES):
            raise unknown_name(self.where, "a label_mode", self.label_mode, LABEL_MODES)
        if self.subset not in (None, *SUBSETS):
            raise unknown_name(self.where, "a subset", self.subset, SUBSETS)
        inferred = isinstance(self.labels, str)
        if inferred and self.labels != "inferred":
            raise self._refused(
                "labels='inferred', a list of numbers or None", repr(self.labels), "Use one of these."
            )
        if not inferred and self.class_names is not None:
            raise self._refused(
                "class_names beside labels='inferred' only", "both", "Leave out class_names or labels."
            )
        split = self.validation_split
        if bool(split) != bool(self.subset):
            got = "only validation_split" if split else "only subset"
            raise self._refused("validation_split and subset together", got, "Give both, or neither.")
        if split and not 0 < split < 1:
            raise self._refused("a validation_split between 0 and 1", split, "Use for example 0.2.")
        if split and self.shuffle and self.seed is None:
            raise self._refused(
                "a seed, as the files are shuffled and split",
                "none",
                "Give both calls the same seed, or their parts overlap.",
            )

    def parts(self, suffixes: tuple[str, ...]) -> list[Part]:
        """Lists, shuffles and splits the files.

        Args:
            suffixes: The endings of the files wanted, in lower case.

        Returns:
            One part, or the training and the validation part.

        Raises:
            InputError: There is no file, an empty part, or a number of labels or classes that does not fit.
        """
        paths, labels, names = self._listed(suffixes)
        if self.verbose:
            told = "" if names is None else f" belonging to {len(names)} classes"
            print(f"Found {len(paths)} files{told}.")
        if self.shuffle:
            order = np.arange(len(paths))
            np.random.RandomState(next_seed() if self.seed is None else self.seed).shuffle(order)
            paths, labels = [paths[place] for place in order], None if labels is None else labels[order]
        count = int((self.validation_split or 0) * len(paths))
        cuts = {None: slice(None), "training": slice(None, len(paths) - count)}
        cuts["validation"] = slice(len(paths) - count, None)
        wanted = ("training", "validation") if self.subset == "both" else (self.subset,)
        return [self._part(paths, labels, names, subset, cuts[subset]) for subset in wanted]

    def _listed(self, suffixes: tuple[str, ...]) -> tuple[list[str], NDArray[Any] | None, list[str] | None]:
        if isinstance(self.labels, str):
            files = list_classes(
                self.directory,
                suffixes,
                class_names=self.class_names,
                follow_links=self.follow_links,
                hidden=True,
            )
            if self.label_mode is None:
                return files.paths, None, None
            return files.paths, self._encoded(files.labels, files.class_names), files.class_names
        place = os.fspath(self.directory)
        paths = (
            list_files(place, suffixes, self.follow_links, True, Counter()) if os.path.isdir(place) else []
        )
        if not paths:
            raise InputError(
                f"'{place}'",
                expected=f"files that end in {', '.join(suffixes)}",
                got="none",
                fix="Check the path.",
            )
        if self.labels is None or self.label_mode is None:
            return paths, None, None
        given = np.asarray(self.labels)
        if given.shape != (len(paths),):
            raise self._refused(
                f"one label for each of {len(paths)} files", f"shape {given.shape}", "Sort them by path."
            )
        names = [str(label) for label in sorted(set(given.tolist()))]
        kind = np.float32 if given.dtype.kind == "f" else np.int32
        return paths, self._encoded(given.astype(kind), names), names

    def _encoded(self, labels: NDArray[Any], names: list[str]) -> NDArray[Any]:
        if self.label_mode == "int":
            return labels
        if self.label_mode == "binary" and len(names) != 2:
            raise self._refused(
                "2 classes for label_mode='binary'", len(names), "Use 'int' or 'categorical', or class_names."
            )
        if not np.isin(labels, np.arange(len(names))).all():
            raise self._refused(
                f"labels from 0 to {len(names) - 1} for label_mode='{self.label_mode}'",
                f"{labels.min()} to {labels.max()}",
                "Number the classes from 0 on, or use label_mode='int'.",
            )
        return labels.astype(np.float32)[:, None] if self.label_mode == "binary" else labels

    def _part(
        self,
        paths: list[str],
        labels: NDArray[Any] | None,
        names: list[str] | None,
        subset: str | None,
        cut: slice,
    ) -> Part:
        chosen = paths[cut]
        if not chosen:
            raise self._refused(
                f"files for the {subset} part", f"none of {len(paths)}", "Choose another validation_split."
            )
        if self.verbose and subset is not None:
            print(f"Using {len(chosen)} files for {subset}.")
        shuffle = self.shuffle and not (self.subset == "both" and subset == "validation")
        return Part(chosen, None if labels is None else labels[cut], names, shuffle)

    def _refused(self, expected: str, got: object, fix: str) -> InputError:
        return InputError(self.where, expected=expected, got=got, fix=fix)
