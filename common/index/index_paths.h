// The names of an index directory's files; see ARCHITECTURE.md for what each
// holds.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace vitrine {

struct IndexPaths {
  std::filesystem::path root;

  std::filesystem::path lock() const { return root / "LOCK"; }
  std::filesystem::path manifests() const { return root / "manifests"; }
  std::filesystem::path models() const { return root / "models"; }
  std::filesystem::path shards() const { return root / "shards"; }
  std::filesystem::path deletions() const { return root / "deletions"; }
  std::filesystem::path products() const { return root / "products"; }
  std::filesystem::path sources() const { return root / "sources"; }
  std::filesystem::path pictures() const { return root / "pictures"; }
  std::filesystem::path complements() const { return root / "complements"; }
  std::filesystem::path control() const { return root / "control"; }
  // Those of a queue, by the SHA-256 of their bytes.
  std::filesystem::path refused() const { return root / "refused"; }
  std::filesystem::path receipts() const { return root / "receipts.jsonl"; }
  // The queue's entry that may be what ended the indexer's last run.
  std::filesystem::path suspect() const { return root / "suspect"; }

  std::filesystem::path manifest(uint64_t generation) const;
  std::filesystem::path model(std::string_view sha256) const;
};

// "000042.pb" → 42; nothing for any other name.
std::optional<uint64_t> GenerationOfManifestName(std::string_view name);

}  // namespace vitrine
