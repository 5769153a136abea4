"""What a run left behind, as plain data."""

from fedjob.result.model import Contribution, Round, RunResult, Scalar, SiteError
from fedjob.result.series import Series, sparkline

__all__ = ["Contribution", "Round", "RunResult", "Scalar", "Series", "SiteError", "sparkline"]
