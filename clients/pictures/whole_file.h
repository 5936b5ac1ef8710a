// Files that appear under their name when they are whole.
#pragma once

#include <filesystem>
#include <string_view>

#include "absl/status/status.h"

namespace vitrine {

// Writes beside the name and renames, replacing what was there. Not synced to
// the disk: for what can be made again. RESOURCE_EXHAUSTED on a full disk;
// nothing half written is left.
absl::Status WriteWholeFile(const std::filesystem::path& path,
                            std::string_view bytes);

}  // namespace vitrine
