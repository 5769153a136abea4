"""The job folder: FLARE's on-disk form of a job, and the contract between all other stages."""
