"""Classifier: the ONNX model that says which digit a 28x28 image shows, and its file's metadata.

classifier = Classifier()                                       # the one that comes with mnistlab
labels, probabilities = classifier.classify(images)             # images uint8 (N, 28, 28), ink 255 on 0
classifier.values[labels[0]]                                    # 7
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnistlab.dependencies import import_onnxruntime
from mnistlab.errors import UserError, shown, whole_number
from mnistlab.files import check_links, given_path, is_folder, why_unreadable
from mnistlab.messages.sentences import Clause

__all__ = ["BUNDLED", "Classifier", "open_session"]

BUNDLED = Path(__file__).parents[1] / "bundled" / "reader" / "reader.onnx"
EXPORTED = "model.onnx"
"""The name that `mnistlab export` gives the model's file in a run's folder."""
BATCH = 256
"""Images per call of the network: few enough to fit into a core's caches, which is fastest."""
MOST_THREADS = 1024


class Classifier:
    """Classifies 28x28 images with an ONNX model that `mnistlab export` made.

    It may be used from several threads at once. It may also be pickled and copied, together with its model.

    Parameters
    ----------
    model : str or Path, optional
        The file, or a folder that holds it as model.onnx; the model that comes with mnistlab if None.
    threads : int, optional
        Processor threads for one call, 1 to 1,024; one per core if None.

    Attributes
    ----------
    path : Path
        The model's file; its content is read only once.
    content : bytes
        The file's content.
    metadata : dict of str to str
        The file's metadata.
    classes : tuple of str
        The name of each class.
    values : list of int or str
        The value of each class: its digit, or its name if it is not a digit.
    threshold : float
        The lowest probability, 0 to 1, at which an answer is accepted; 0.5 if the file does not state one.
    temperature : float
        The number, above 0, by which the model divides the logits before the softmax; 1 if the file does not state one.
    input_name : str
        The name of the model's input.

    Raises
    ------
    UserError
        If the file does not exist or is not one of our models, or if the number of threads is out of range.
    """

    def __init__(self, model: str | Path | None = None, *, threads: int | None = None) -> None:
        self.path = find_file(model) if model is not None else BUNDLED
        self.threads = None if threads is None else whole_number(threads, Clause("names.threads"), 1, MOST_THREADS)
        self.content = read_model(self.path)
        self.session = open_session(self.content, self.path, self.threads)
        try:
            self.metadata: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
            check_images(self.session, self.path)
            self.classes = read_classes(self.metadata, self.path)
            check_probabilities(self.session, len(self.classes), self.path)
            self.input_name: str = self.session.get_inputs()[0].name
        except UnicodeDecodeError:  # the runtime accepts any bytes as a name
            raise UserError("reading.names_not_text", path=self.path) from None
        self.values: list[int | str] = [int(name) if name.isdecimal() else name for name in self.classes]
        self.threshold = read_number(self.metadata, "threshold", 0.5, (0, 1), self.path)
        self.temperature = read_number(self.metadata, "temperature", 1.0, (1e-6, 1e6), self.path)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the ONNX session, which is recreated, so that a classifier can be copied and sent to another process."""
        return {**vars(self), "session": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.session = open_session(self.content, self.path, self.threads)

    def with_threads(self, threads: int) -> Classifier:
        """Return a classifier with the same model and a different number of threads.

        Parameters
        ----------
        threads : int
            Processor threads for one call, 1 to 1,024.

        Returns
        -------
        Classifier
            The new classifier; this one stays as it is.

        Raises
        ------
        UserError
            If the number of threads is out of range.
        """
        other = Classifier.__new__(Classifier)
        number = whole_number(threads, Clause("names.threads"), 1, MOST_THREADS)
        other.__setstate__({**self.__getstate__(), "threads": number})
        return other

    def classify(self, images: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Say which class each image shows.

        Parameters
        ----------
        images : ndarray of uint8, shape (N, 28, 28)
            In MNIST's form: ink 255 on 0, the centre of mass in the middle. N may be 0.

        Returns
        -------
        labels : ndarray of int64, shape (N,)
            The index of each image's most likely class in `classes` and `values`.
        probabilities : ndarray of float32, shape (N, classes)
            The calibrated probability of each class; each row sums to 1.

        Raises
        ------
        UserError
            If the images have another shape or dtype.
        """
        array = np.asarray(images)
        if array.dtype != np.uint8 or array.ndim != 3 or array.shape[1:] != (28, 28):
            raise UserError("reading.classify_shape", array_dtype=array.dtype, array_shape=array.shape)
        batches = [
            self.session.run(None, {self.input_name: np.ascontiguousarray(array[i : i + BATCH, None])})[0]
            for i in range(0, len(array), BATCH)
        ]
        empty = np.zeros((0, len(self.classes)), np.float32)
        probabilities: NDArray[np.float32] = np.concatenate([empty, *batches])
        return probabilities.argmax(1), probabilities


def find_file(model: Any) -> Path:
    """The path of the model: `model` itself or, if that is a folder, such as a run's, the model in it.

    Raises `UserError` if the folder has no exported model, or if `model` is not a path but, for example, a `Run`.
    """
    path = given_path(model, "model", remedy="reading.model_missing")
    if not is_folder(path):
        return path
    if not (path / EXPORTED).exists():
        raise UserError("reading.model_not_exported", path=path)
    return path / EXPORTED


def read_model(path: Path) -> bytes:
    """The file's content. Raises `UserError` if the file cannot be read."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        check_links(path)
        if isinstance(error, FileNotFoundError | ValueError):  # no file's path has a zero byte
            raise UserError("reading.model_missing", path=path) from None
        raise UserError("reading.model_unreadable", path=path, reason=why_unreadable(error)) from None


def open_session(content: bytes, path: Path, threads: int | None) -> Any:
    """An ONNX Runtime session for a model; messages name `path` as its file. Raises `UserError` if the model is not ONNX."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised as exceptions anyway
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the cores to others between calls
    if threads:
        options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no common class
        if not isinstance(error, RuntimeError | ValueError) and not type(error).__module__.startswith("onnxruntime"):
            raise
        raise UserError("reading.not_onnx", path=path) from None


def check_images(session: Any, path: Path) -> None:
    """Raise `UserError` unless the model's only input is images, uint8 (N, 1, 28, 28), for any N."""
    inputs = session.get_inputs()
    taken = [f"{i.type} {told_shape(i)}" for i in inputs]
    if len(inputs) != 1 or inputs[0].type != "tensor(uint8)" or list(inputs[0].shape)[1:] != [1, 28, 28]:
        raise UserError("reading.model_takes_other_images", path=path, taken=taken)
    if isinstance(inputs[0].shape[0], int):
        raise UserError("reading.model_takes_fixed_batches", path=path, shape=inputs[0].shape[0])


def check_probabilities(session: Any, count: int, path: Path) -> None:
    """Raise `UserError` unless the model's output is a probability for each of `count` classes, float32 (N, count)."""
    output = session.get_outputs()[0]
    if output.type != "tensor(float)" or len(output.shape) != 2 or output.shape[1] != count:
        given = told_shape(output)
        raise UserError("reading.model_outputs_misfit", path=path, type=output.type, given=given, count=count)


def told_shape(node: Any) -> str:
    """The shape of a model's input or output, such as "[N, 1, 28, 28]", with "?" for a size without a number or name."""
    return f"[{', '.join('?' if size is None else str(size) for size in node.shape)}]"


def read_classes(metadata: dict[str, str], path: Path) -> tuple[str, ...]:
    """The names of the classes. Raises `UserError` if the metadata has none."""
    try:
        classes = json.loads(metadata["classes"])
        if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
            raise ValueError
    except (KeyError, ValueError):
        raise UserError("reading.classes_missing", path=path) from None
    return tuple(classes)


def read_number(metadata: dict[str, str], name: str, missing: float, bounds: tuple[float, float], path: Path) -> float:
    """The metadata's entry `name`, or `missing` if there is none. Raises `UserError` unless the entry is a number in range."""
    if name not in metadata:
        return missing
    low, high = bounds
    with contextlib.suppress(ValueError):
        value = float(metadata[name])
        if low <= value <= high:
            return value
    raise UserError(
        "reading.metadata_out_of_range", path=path, name=name, metadata=shown(metadata[name]), low=low, high=high
    )
