# ruff: noqa: I001  # imports stand as users write them
"""Which files travel, and where they go."""

import os

from corpus import covers
from corpus.describing import started


@covers("a class in a package: relative imports, siblings, subpackages")
def package_code():
    from pkg.components import Plain

    job = started()
    job.to_server(Plain())
    job.to_clients("run.sh")
    return job


@covers("a class in a subpackage that imports from above")
def subpackage_code():
    from pkg.inner.parts import Part

    job = started()
    job.to_server(Part())
    job.to_clients("run.sh")
    return job


@covers("a flat script: siblings, late imports, several on a line")
def flat_script():
    job = started()
    job.to_clients("train_flat.py")
    return job


@covers("a script in a directory: siblings land in custom/ itself")
def nested_script():
    job = started()
    job.to_clients("src/train.py")
    job.to_server("deep/er/script.py")
    return job


@covers("a script in a package")
def script_in_package():
    job = started()
    job.to_clients("pkg/components.py")
    return job


@covers("a script by absolute path")
def absolute_script():
    job = started()
    job.to_clients(os.path.abspath("src/train.py"))
    return job


@covers("a script by a path with dots")
def dotted_script():
    job = started()
    job.to_clients("src/../train_flat.py")
    return job


@covers("a directory: its content goes to custom/ itself, binary files too")
def directory():
    job = started()
    job.to_clients("assets")
    job.to_server("plain")
    return job


@covers("a directory and a script that share a place: the later wins")
def overwriting():
    job = started()
    job.to_clients("beside.py")
    job.to_clients("assets")
    job.to_clients("plain/other.py")
    return job


@covers("files added to custom/ and below", since="2.6")
def file_source():
    from nvflare.job_config.file_source import FileSource

    job = started()
    job.to_server(FileSource("assets/data.txt"))
    job.to_server(FileSource("assets", dest_dir="deep/data"))
    job.to_clients(FileSource("run.sh", dest_dir="bin"))
    return job


@covers("files added to config/, add_file_to", since="2.7")
def file_to_config():
    from nvflare.job_config.file_source import FileSource

    job = started()
    job.to_clients(FileSource("assets/data.txt", app_folder_type="config"))
    job.add_file_to_server("assets/data.txt", dest_dir="x", app_folder_type="config")
    job.add_file_to_clients("assets/sub")
    return job


@covers("set_app_packages: code that does not travel", since="2.7")
def app_packages():
    from pkg.components import Plain

    job = started()
    job.set_app_packages(["pkg"])
    job.to_server(Plain())
    job.to_clients("run.sh")
    return job


@covers("a class and a script that bring the same module")
def shared_module():
    from src.net import Net

    from nvflare.app_opt.pt.job_config.model import PTModel

    job = started()
    job.to_server(PTModel(Net()))
    job.to_server("src/net.py")
    job.to_clients("src/net.py")
    return job


@covers("one app for server and clients with code on both sides")
def code_on_both_sides():
    from pkg.components import MyExecutor, MyFedAvg

    job = started()
    job.to_server(MyFedAvg(num_clients=1))
    job.to_clients(MyExecutor(), tasks=["train"])
    job.to_clients("train_flat.py")
    return job


@covers("a symlinked script")
def symlink():
    job = started()
    job.to_clients("linked.py")
    return job


@covers("two modules for one place: 2.9 refuses, earlier releases take the first", before="2.9")
def collision():
    from clash import Clash

    job = started()
    job.to_server(Clash())
    job.to_server("deep/script_clash.py")
    return job


@covers("a script from above the directory: refused since 2.9", before="2.9", since="9")
def script_from_above():
    job = started()
    job.to_clients("../outside.py")
    return job


@covers("a relative import that leaves the package: refused since 2.9", before="2.9")
def escaping_import():
    job = started()
    job.to_clients("deep/er/escape.py")
    return job


@covers("a link to code outside: refused since 2.9", before="2.9")
def escaping_link():
    job = started()
    job.to_clients("deep/uses_link.py")
    return job


@covers("a class of the script that runs")
def main_class():
    from nvflare.apis.fl_component import FLComponent

    class Main(FLComponent):
        def __init__(self, value=1):
            super().__init__()
            self.value = value

    Main.__module__ = "__main__"
    job = started()
    job.to_server(Main(2))
    job.to_clients("run.sh")
    return job
