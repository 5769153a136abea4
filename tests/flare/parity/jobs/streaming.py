"""Objects that are streamed: containers, files, and those of the user's own classes."""

from . import covers


@covers("containers, files and objects in streams, and what is refused")
def streams():
    from nvflare.app_common.streamers.container_retriever import ContainerRetriever
    from nvflare.app_common.streamers.file_retriever import FileRetriever
    from nvflare.job_config.api import FedJob
    from streams import Fetcher, Giver

    job = FedJob(name="parity", min_clients=2)
    job.to_server(Giver())
    job.to_server(ContainerRetriever(), id="containers")
    job.to_server(FileRetriever(source_dir="."), id="files")
    job.to_clients(Fetcher(), tasks=["fetch"])
    job.to_clients(ContainerRetriever(), id="containers")
    job.to_clients(FileRetriever(source_dir="."), id="files")
    return job


@covers("files streamed from threads of the sites', awaited by an event")
def streams_from_threads():
    from nvflare.job_config.api import FedJob
    from streams import Idle, Sender, Taker

    job = FedJob(name="parity", min_clients=2)
    job.to_server(Taker(sites=2))
    job.to_clients(Idle(), tasks=["*"])
    job.to_clients(Sender(), id="sender")
    return job
