// Which photos are held out for validation: models/vitrine_models/catalog.py
// reads the same files and cuts alike.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace vitrine::eval {

// Whether a product is held out where no senders are known: one in five, those
// where the first eight bytes of the SHA-256 of the id, as a big-endian number,
// are a multiple of 5.
bool IsHeldOut(std::string_view product_id);

// One value a line; spaces around it and empty lines are left out. `flag` names
// the file in errors. INVALID_ARGUMENT where the file has no value.
absl::StatusOr<std::set<std::string>> ReadValues(
    const std::filesystem::path& path, std::string_view flag);

// A file that comes with this program, of the folder models/ of the source
// tree or as installed.
std::filesystem::path ShippedFile(std::string_view name);

}  // namespace vitrine::eval
