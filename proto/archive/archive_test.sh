#!/bin/bash
# archive_test.sh ARCHIVE FOLDER SOURCE CMAKE BUILD — the archive of protocols is enough to
# make stubs for C++ and Python of, has the sources' bytes, and comes out the same again.
set -euo pipefail
archive=$1 folder=$2 source=$3 cmake=$4 build=$5
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

tar -xzf "$archive" -C "$scratch"
[[ $(ls "$scratch") == "$folder" ]]
diff -r "$source/proto/vitrine/v1" "$scratch/$folder/vitrine/v1"
cmp "$source/LICENSE" "$scratch/$folder/LICENSE"
[[ -s $scratch/$folder/README.md ]]

# Nothing of this machine's own protocols: --proto_path is the archive alone.
cd "$scratch/$folder"
mkdir ../cpp ../python
protoc -I . --cpp_out=../cpp --grpc_out=../cpp \
  --plugin=protoc-gen-grpc="$(command -v grpc_cpp_plugin)" vitrine/v1/*.proto
protoc -I . --python_out=../python --grpc_out=../python \
  --plugin=protoc-gen-grpc="$(command -v grpc_python_plugin)" vitrine/v1/*.proto
cd "$scratch"
for stub in search catalog; do
  [[ -s cpp/vitrine/v1/$stub.pb.cc && -s cpp/vitrine/v1/$stub.grpc.pb.h ]]
done
for stub in search catalog; do
  echo "#include \"vitrine/v1/$stub.grpc.pb.h\"" >>include.cc
done
g++ -std=c++20 -fsyntax-only -I cpp include.cc
PYTHONPATH=python /usr/bin/python3 -c '
from vitrine.v1 import catalog_pb2, search_pb2, search_pb2_grpc
assert search_pb2_grpc.SearchServiceStub
event = catalog_pb2.CatalogEvent(source="shop")
event.upsert.attributes["price"].number = 129
assert catalog_pb2.CatalogEvent.FromString(event.SerializeToString()) == event'

# Again, at another time, and by other permissions and order of what is packed.
before=$(sha256sum <"$archive")
umask 077
touch "$build/proto/archive/$folder"
rm "$archive"
"$cmake" --build "$build" --target vitrine_protos >/dev/null
[[ $(sha256sum <"$archive") == "$before" ]] || { echo "it came out another"; exit 1; }
tar -tvzf "$archive" | awk '$2 != "root/root" || $4 != "2000-01-01" {print; bad = 1} END {exit bad}'
