#include "common/index/index_files.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/test_util/corrupt.h"
#include "tests/test_util/temp_dir.h"
#include "tests/test_util/whole_index.h"

namespace vitrine {
namespace {

namespace fs = std::filesystem;

class IndexFilesTest : public ::testing::Test {
 protected:
  TempDir dir_;
  WholeIndex index_{dir_ / "index"};
};

TEST_F(IndexFilesTest, AreAllThereIsButManifests) {
  std::set<std::string> named;
  for (const IndexFile& file : IndexFilesOf(index_.manifest())) {
    EXPECT_TRUE(named.insert(file.path).second) << file.path;
    EXPECT_EQ(fs::file_size(dir_ / ("index/" + file.path)), file.ref.bytes())
        << file.path;
  }
  std::set<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(dir_ / "index")) {
    if (!entry.is_regular_file()) continue;
    found.insert(fs::relative(entry.path(), dir_ / "index").string());
  }
  found.erase("manifests/000001.pb");
  EXPECT_EQ(named, found);
}

TEST_F(IndexFilesTest, AreNamedOnceWhereTwoSetsShareThem) {
  storage::Manifest manifest = index_.manifest();
  manifest.mutable_vector_sets(1)->set_model(manifest.vector_sets(0).model());
  EXPECT_EQ(IndexFilesOf(manifest).size(),
            IndexFilesOf(index_.manifest()).size() - 1);
}

TEST_F(IndexFilesTest, AreSoundUntilABitFlips) {
  for (const IndexFile& file : IndexFilesOf(index_.manifest())) {
    const fs::path path = index_.paths().root / file.path;
    EXPECT_OK(VerifyIndexFile(path, file, {}));
    Damage(path);
    EXPECT_STATUS(VerifyIndexFile(path, file, {}), absl::StatusCode::kDataLoss,
                  path.string());
    Damage(path);
    fs::resize_file(path, fs::file_size(path) - 1);
    EXPECT_STATUS(VerifyIndexFile(path, file, {}), absl::StatusCode::kDataLoss,
                  path.string());
    fs::remove(path);
    EXPECT_STATUS(VerifyIndexFile(path, file, {}), absl::StatusCode::kDataLoss,
                  path.string());
  }
}

TEST_F(IndexFilesTest, AreNoOtherSoundFile) {
  const std::vector<IndexFile> before = IndexFilesOf(index_.manifest());
  index_.Grow();
  const std::vector<IndexFile> after = IndexFilesOf(index_.manifest());
  auto packs = [](const std::vector<IndexFile>& files) {
    return std::find_if(files.rbegin(), files.rend(), [](const auto& file) {
      return file.kind == IndexFile::Kind::kPictures;
    });
  };
  EXPECT_STATUS(VerifyIndexFile(index_.paths().root / packs(after)->path,
                                *packs(before), {}),
                absl::StatusCode::kDataLoss, packs(after)->path);
}

}  // namespace
}  // namespace vitrine
