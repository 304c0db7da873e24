"""Makes gen/ from the .proto files of this repository, or of the folder that is named."""

import shutil
import sys
from pathlib import Path

import grpc_tools
from google.rpc import status_pb2
from grpc_tools import protoc

HERE = Path(__file__).resolve().parent
PROTOS = Path(sys.argv[1] if len(sys.argv) > 1 else HERE.parents[1] / "proto").resolve()
OUT = HERE / "gen"

INCLUDES = [
    PROTOS,
    Path(grpc_tools.__file__).parent / "_proto",  # google/protobuf
    Path(status_pb2.__file__).parents[2],  # google/rpc, of googleapis-common-protos
]

shutil.rmtree(OUT, ignore_errors=True)
OUT.mkdir()
files = sorted(str(file) for file in PROTOS.glob("switchboard/**/*.proto"))
options = [f"-I{folder}" for folder in INCLUDES]
sys.exit(protoc.main(["protoc", *options, f"--python_out={OUT}", f"--grpc_python_out={OUT}", *files]))
