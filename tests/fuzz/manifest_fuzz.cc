// Manifests: read, and opened as the generation of an index without any file.
#include <google/protobuf/stubs/logging.h>

#include "common/index/manifest.h"
#include "common/index/snapshot.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/test_util.h"
#include "tests/test_util/temp_dir.h"

namespace vitrine {
namespace {

// An index of nothing but the manifest at hand.
const IndexPaths& Paths() {
  static const TempDir dir;
  static const auto* const paths = [] {
    // It writes a line for each text that is damaged.
    google::protobuf::SetLogHandler(nullptr);
    auto* const made = new IndexPaths{dir.path()};
    std::filesystem::create_directories(made->manifests());
    return made;
  }();
  return *paths;
}

}  // namespace
}  // namespace vitrine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;  // NOLINT(google-build-using-namespace)
  const IndexPaths& paths = Paths();
  std::string bytes(reinterpret_cast<const char*>(data), size);
  ResealManifest(&bytes);
  testing::WriteAll(paths.manifest(1), bytes);
  const auto manifest = ReadManifest(paths, 1);
  if (!manifest.ok()) return 0;
  Require(manifest->generation() == 1);
  const auto snapshot =
      Snapshot::Open(paths, *manifest, nullptr, VerifyMode::kBackground);
  if (!snapshot.ok()) return 0;
  Require((*snapshot)->images() == 0 && (*snapshot)->dim() <= kMaxDim);
  // Nothing is different of the generation after it.
  Require(Snapshot::Open(paths, *manifest, snapshot->get()).ok());
  return 0;
}
