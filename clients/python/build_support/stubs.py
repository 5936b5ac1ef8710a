"""Makes Python modules of the proto files.

protoc's own Python output refuses protobuf libraries that are older than itself, and may be refused
by those that are much newer. What it describes the files by is the same for all of them: the
modules hold that, and have the library that is there make the classes of it.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from typing import List

PROTOS = ("vitrine/v1/search.proto", "vitrine/v1/catalog.proto", "vitrine/v1/complements.proto",
          "vitrine/rpc/rpc_status.proto")
SERVICE_CONFIG = "vitrine/v1/service_config.json"
_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_MODULE = '''\
"""The messages of {proto}; generated, as are the types beside this file."""
from google.protobuf import descriptor_pool as _descriptor_pool
from google.protobuf.internal import builder as _builder

{imports}

DESCRIPTOR = _descriptor_pool.Default().AddSerializedFile({descriptor!r})
_builder.BuildMessageAndEnumDescriptors(DESCRIPTOR, globals())
_builder.BuildTopDescriptorsAndMessages(DESCRIPTOR, __name__, globals())
'''


def proto_root() -> str:
    """The folder of the proto files: in a source distribution its own, else the repository's."""
    for root in (os.path.join(_HERE, "proto"), os.path.join(_HERE, "..", "..", "proto")):
        if os.path.isfile(os.path.join(root, PROTOS[0])):
            return os.path.normpath(root)
    raise SystemExit(f"{PROTOS[0]} is neither in {_HERE}/proto nor in ../../proto: build in a "
                     "clone of the repository, or from a source distribution")


def _compilers() -> List[List[str]]:
    """Commands that may be a protobuf compiler."""
    found = shutil.which("protoc")
    compilers = [[found]] if found else []
    try:
        import grpc_tools
    except ImportError:
        return compilers
    well_known = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
    return compilers + [[sys.executable, "-m", "grpc_tools.protoc", f"-I{well_known}"]]


def _compile(compiler: List[str], proto: str, out: str) -> bytes:
    """Writes the types beside the module to come, and returns what describes the file."""
    with tempfile.TemporaryDirectory() as folder:
        described = os.path.join(folder, "described")
        subprocess.run([*compiler, f"-I{proto_root()}", f"--descriptor_set_out={described}",
                        f"--pyi_out={out}", proto],
                       check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with open(described, "rb") as file:
            return _only_file(file.read())


def _only_file(descriptor_set: bytes) -> bytes:
    """The one FileDescriptorProto of a FileDescriptorSet: a tag, a varint, and its bytes."""
    at = 1
    while descriptor_set[at] & 0x80:
        at += 1
    return descriptor_set[at + 1:]


def _working_compiler() -> "tuple[List[str], str]":
    """The first that works, or none, and what the others said."""
    said = ""
    for compiler in _compilers():
        with tempfile.TemporaryDirectory() as folder:
            try:
                _compile(compiler, PROTOS[0], folder)
                return compiler, said
            except (OSError, subprocess.CalledProcessError) as error:
                output = getattr(error, "output", None) or b""
                said += f"\n{' '.join(compiler)}: {output.decode(errors='replace') or error}"
    return [], said


def requirements() -> List[str]:
    """What building needs besides what is there."""
    return [] if _working_compiler()[0] else ["grpcio-tools"]


def _module_of(proto: str) -> str:
    return proto[:-len(".proto")].replace("/", ".") + "_pb2"


def generate(out: str) -> None:
    """Writes the packages vitrine.v1 and vitrine.rpc into the folder `out`."""
    compiler, said = _working_compiler()
    if not compiler:
        raise SystemExit("no protobuf compiler of 3.20 or later works: install Debian's "
                         "protobuf-compiler and libprotobuf-dev, or grpcio-tools of PyPI" + said)
    for proto in PROTOS:
        target = os.path.join(out, proto[:-len(".proto")] + "_pb2.py")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        descriptor = _compile(compiler, proto, out)
        with open(os.path.join(proto_root(), proto), encoding="utf-8") as file:
            imports = re.findall(r'^import "([^"]+)";', file.read(), re.MULTILINE)
        with open(target, "w", encoding="utf-8") as file:
            file.write(_MODULE.format(
                proto=proto, descriptor=descriptor,
                imports="\n".join(f"import {_module_of(one)}  # noqa: F401" for one in imports)))
        with open(os.path.join(os.path.dirname(target), "__init__.py"), "w",
                  encoding="utf-8") as file:
            file.write('"""Messages of the protocol; generated of its proto files."""\n')
    shutil.copyfile(os.path.join(proto_root(), SERVICE_CONFIG), os.path.join(out, SERVICE_CONFIG))
