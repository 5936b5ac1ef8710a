// Packs of pictures and deletions of rows: opened and asked for each, before
// and after all of them was verified.
#include "common/index/bitmap.h"
#include "common/index/picture_pack.h"
#include "tests/fuzz/fuzz_input.h"

namespace vitrine {
namespace {

void Ask(const PicturePack& pack, bool verified) {
  for (uint32_t i = 0; i < pack.size(); ++i) {
    const auto [digest, jpeg] = pack.entry(i);
    Require(jpeg.size() <= pack.file().bytes());
    const auto found = pack.Find(
        {reinterpret_cast<const char*>(digest.data()), digest.size()});
    if (verified) Require(found == jpeg);
  }
}

}  // namespace
}  // namespace vitrine

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace vitrine;  // NOLINT(google-build-using-namespace)
  const SectionInput input(data, size);
  const auto pack =
      PicturePack::Open(input.path(), input.ref(), Verification::kStructure);
  if (pack.ok()) Ask(**pack, /*verified=*/false);
  const auto whole = PicturePack::Open(input.path(), input.ref());
  if (whole.ok()) Ask(**whole, /*verified=*/true);
  Require(whole.ok() == (pack.ok() && (*pack)->Verify(/*stop=*/{}).ok()));

  constexpr uint32_t kRows = 150;
  const auto dead = ReadDeletions(input.path(), input.ref(), kRows);
  if (dead.ok()) {
    Require(dead->size() == kRows && dead->Count() <= kRows);
    dead->ForEach([](uint32_t row) { Require(row < kRows); });
  }
  return 0;
}
