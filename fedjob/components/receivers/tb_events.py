"""TensorBoard's event files, written with the package tensorboard alone.

Answers ``nvflare.app_opt.tracking.tb.tb_event_writer`` (FLARE >= 2.9).
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


class TensorBoardEventWriter:
    """Writes to `log_dir`. Raises ImportError when tensorboard is not installed."""

    def __init__(self, log_dir: str) -> None:
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self.log_dir = log_dir
        self._new = EventFileWriter
        self.writer = EventFileWriter(log_dir)
        self.scalar_writers: dict[str, Any] = {}

    def add_scalar(self, tag: str, scalar_value: float, global_step: int | None = None) -> None:
        self._add(self.writer, _scalar(tag, scalar_value), global_step)

    def add_scalars(
        self, main_tag: str, tag_scalar_dict: Mapping[str, float], global_step: int | None = None
    ) -> None:
        """Each name has a folder of its own, as TensorBoard shows several runs in one chart."""
        for tag, value in tag_scalar_dict.items():
            key = f"{main_tag.replace('/', '_')}_{tag}"
            if key not in self.scalar_writers:
                self.scalar_writers[key] = self._new(str(Path(self.log_dir) / key))
            self._add(self.scalar_writers[key], _scalar(main_tag, value), global_step)

    def add_text(self, tag: str, text_string: str, global_step: int | None = None) -> None:
        from tensorboard.plugins.text.summary_v2 import text_pb

        self._add(self.writer, text_pb(tag, text_string), global_step)

    def add_image(self, tag: str, img_tensor: Any, global_step: int | None = None) -> None:
        """`img_tensor` is HW, HWC or CHW with 1, 3 or 4 channels; floats are 0..1. Raises ValueError for another shape."""
        self._add(self.writer, _image(tag, img_tensor), global_step)

    def flush(self) -> None:
        for writer in self._writers():
            writer.flush()

    def close(self) -> None:
        for writer in self._writers():
            writer.close()

    def _writers(self) -> list[Any]:
        return [self.writer, *self.scalar_writers.values()]

    @staticmethod
    def _add(writer: Any, summary: Any, global_step: int | None) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        event = Event(wall_time=time.time(), summary=summary)
        if global_step is not None:
            event.step = global_step
        writer.add_event(event)


def _scalar(tag: str, value: float) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=float(value))])


def _image(tag: str, value: Any) -> Any:
    from PIL import Image
    from tensorboard.compat.proto.summary_pb2 import Summary

    pixels = _pixels(value)
    height, width, channels = pixels.shape
    stream = io.BytesIO()
    Image.fromarray(pixels.squeeze(axis=2) if channels == 1 else pixels).save(stream, format="PNG")
    image = Summary.Image(
        height=height, width=width, colorspace=channels, encoded_image_string=stream.getvalue()
    )
    return Summary(value=[Summary.Value(tag=tag, image=image)])


def _pixels(value: Any) -> Any:
    """The image as HWC bytes."""
    image = np.asarray(value)
    if image.ndim == 2:
        image = image[:, :, np.newaxis]
    elif image.ndim == 3 and image.shape[0] in {1, 3, 4}:
        image = np.transpose(image, (1, 2, 0))
    if image.ndim != 3 or image.shape[2] not in {1, 3, 4}:
        raise ValueError(f"an image must be HW, HWC or CHW with 1, 3 or 4 channels, but is {image.shape}")
    scale = 1 if image.dtype == np.uint8 else 255
    return (image.astype(np.float32) * scale).clip(0, 255).astype(np.uint8)
