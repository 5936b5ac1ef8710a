// Segments of tables: opened, asked for each key and listed, before and after
// all of them was verified.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/index/product_columns.h"
#include "common/index/table.h"
#include "tests/fuzz/fuzz_input.h"

namespace vitrine {
namespace {

void Ask(const std::shared_ptr<const TableSegment>& segment, bool verified) {
  size_t bytes = 0;
  std::vector<std::string_view> keys;
  for (uint32_t i = 0; i < segment->size(); ++i) {
    const TableEntry entry = segment->entry(i);
    bytes += entry.key.size() + entry.value.size();
    keys.push_back(entry.key);
    const uint32_t found = segment->LowerBound(entry.key);
    Require(found <= segment->size());
    if (verified) Require(found == i);
  }
  Require(bytes <= uint64_t{segment->size()} * 2 * segment->file().bytes());
  const ProductSegment products(segment);
  for (const ProductSegment::Window& window : products.windows())
    Require(window.record < segment->size());
  // Twice, so that segments are merged.
  const Table table({segment, segment});
  const auto all = table.FindAll(keys);
  for (size_t i = 0; i < keys.size(); ++i)
    Require(all[i] == table.Find(keys[i]));
  uint32_t listed = 0;
  std::string last;
  table.ForEach("", [&](std::string_view key, std::string_view value) {
    if (verified) {
      Require(listed == 0 || key > last);
      Require(table.Find(key) == value);
    }
    last = key;
    return ++listed <= segment->size();
  });
  Require(listed <= segment->size() + 1);
  table.ForEach(last, [](std::string_view, std::string_view) { return false; });
}

}  // namespace
}  // namespace vitrine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;  // NOLINT(google-build-using-namespace)
  const SectionInput input(data, size);
  const auto segment =
      TableSegment::Open(input.path(), input.ref(), Verification::kStructure);
  if (segment.ok()) Ask(*segment, /*verified=*/false);
  const auto whole = TableSegment::Open(input.path(), input.ref());
  if (whole.ok()) Ask(*whole, /*verified=*/true);
  Require(whole.ok() == (segment.ok() && (*segment)->Verify(/*stop=*/{}).ok()));
  return 0;
}
