"""What a run left behind, as plain data."""

from fedjob.result.contributions import Contribution
from fedjob.result.model import Round, RunResult, Scalar, SiteError
from fedjob.result.series import Series, sparkline

__all__ = ["Contribution", "Round", "RunResult", "Scalar", "Series", "SiteError", "sparkline"]
