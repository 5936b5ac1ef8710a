// Events of a queue, which anybody who may write to it may send.
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "indexer/catalog_event.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto change = vitrine::ReadCatalogEvent(
      {reinterpret_cast<const char*>(data), size}, 1, "/srv/files");
  if (!change.ok()) return 0;
  for (const vitrine::EventPicture& picture : change->pictures) {
    // A path stays below the root.
    const std::filesystem::path path(picture.path);
    if (path.is_absolute()) std::abort();
    for (const std::filesystem::path& part : path) {
      if (part == "..") std::abort();
    }
  }
  return 0;
}
