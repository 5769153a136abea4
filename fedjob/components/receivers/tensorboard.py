"""TBAnalyticsReceiver: what sites log, as TensorBoard files.

Answers ``nvflare.app_opt.tracking.tb.tb_receiver``.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from fedjob.components.paths import resolve_path_under_root
from fedjob.components.receivers.analytics import AnalyticsReceiver
from fedjob.components.receivers.tb_events import TensorBoardEventWriter
from fedjob.exchange.analytics import AnalyticsData, AnalyticsDataType
from fedjob.exchange.dxo import from_shareable
from fedjob.exchange.fl_context import FLContext
from fedjob.exchange.shareable import Shareable

_METHODS = {
    AnalyticsDataType.SCALAR: "add_scalar",
    AnalyticsDataType.METRIC: "add_scalar",
    AnalyticsDataType.SCALARS: "add_scalars",
    AnalyticsDataType.METRICS: "add_scalars",
    AnalyticsDataType.TEXT: "add_text",
    AnalyticsDataType.IMAGE: "add_image",
}


class TBAnalyticsReceiver(AnalyticsReceiver):
    """Writes ``<tb_folder>/<site>`` in the run directory; without the package tensorboard, which FLARE needs, the folder
    stays empty. The numbers are in the run's result in any case.
    """

    def __init__(self, tb_folder: str = "tb_events", events: list[str] | None = None) -> None:
        super().__init__(events=events)
        self.tb_folder = tb_folder
        self.root_log_dir: str | None = None
        self.writers_table: dict[str, TensorBoardEventWriter] = {}
        self._writes = find_spec("tensorboard") is not None

    def initialize(self, fl_ctx: FLContext) -> None:
        run_dir = fl_ctx.get_engine().get_workspace().get_run_dir(fl_ctx.get_job_id())
        self.root_log_dir = resolve_path_under_root(run_dir, self.tb_folder, "tb_folder")
        Path(self.root_log_dir).mkdir(parents=True, exist_ok=True)
        if not self._writes:
            self.logger.warning(
                "tensorboard is not installed: no event files are written to %s", self.root_log_dir
            )

    def save(self, fl_ctx: FLContext, shareable: Shareable, record_origin: str) -> None:
        data = AnalyticsData.from_dxo(from_shareable(shareable))
        if not data or not self._writes:
            return
        for record in self._records(data, fl_ctx):
            method = _METHODS.get(record.data_type)
            if method is None:
                self.log_warning(fl_ctx, f"TensorBoard has nothing for {record.data_type}", fire_event=False)
                return
            getattr(self._writer(record_origin), method)(record.tag, record.value, record.step)

    def finalize(self, fl_ctx: FLContext) -> None:
        for writer in self.writers_table.values():
            writer.flush()
            writer.close()

    def _writer(self, site: str) -> TensorBoardEventWriter:
        if site not in self.writers_table:
            assert self.root_log_dir is not None
            folder = resolve_path_under_root(self.root_log_dir, site, "record_origin")
            self.writers_table[site] = TensorBoardEventWriter(folder)
        return self.writers_table[site]

    def _records(self, data: AnalyticsData, fl_ctx: FLContext) -> Iterator[AnalyticsData]:
        """The value; parameters one by one, as numbers or text."""
        if data.data_type not in {AnalyticsDataType.PARAMETER, AnalyticsDataType.PARAMETERS}:
            yield data
            return
        several = data.data_type == AnalyticsDataType.PARAMETERS
        for name, value in data.value.items() if several else [(data.tag, data.value)]:
            if isinstance(value, (int, float)):
                yield AnalyticsData(name, value, AnalyticsDataType.SCALAR, data.sender)
            elif isinstance(value, str):
                yield AnalyticsData(name, value, AnalyticsDataType.TEXT, data.sender)
            else:
                self.log_warning(
                    fl_ctx, f"TensorBoard has nothing for {name} of {type(value).__name__}", fire_event=False
                )
