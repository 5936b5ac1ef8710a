// A catalogue that a test writes, and what Catalog reads of it.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/catalog/catalog.h"
#include "tests/test_util.h"

namespace vitrine::testing {

class CatalogFixture : public ::testing::Test {
 protected:
  void Write(const std::string& path, std::string_view contents = "picture") {
    std::filesystem::create_directories((dir_ / path).parent_path());
    WriteAll(dir_ / path, contents);
  }
  void Open(CatalogOptions options = {}) {
    options.root = dir_.path();
    auto catalog = Catalog::Open(options);
    ASSERT_TRUE(catalog.ok()) << catalog.status();
    catalog_ = *std::move(catalog);
  }
  absl::Status OpenError(CatalogOptions options) {
    options.root = dir_.path();
    return Catalog::Open(options).status();
  }
  void Scan() {
    auto listing = catalog_->Scan();
    ASSERT_TRUE(listing.ok()) << listing.status();
    listing_ = *std::move(listing);
  }
  // "path → product", in the order of the listing.
  std::vector<std::string> Products() const {
    std::vector<std::string> lines;
    for (const auto& picture : listing_.pictures) {
      lines.push_back(picture.path + " → " + picture.product_id);
    }
    return lines;
  }
  std::vector<CatalogProblem> Problems(ProblemKind kind) const {
    std::vector<CatalogProblem> some;
    for (const auto& problem : listing_.problems) {
      if (problem.kind == kind) some.push_back(problem);
    }
    return some;
  }
  storage::ProductRecord Describe(const std::string& product) const {
    for (const auto& picture : listing_.pictures) {
      if (picture.product_id == product) {
        return catalog_->Describe(product, picture.path);
      }
    }
    return catalog_->Describe(product, "");
  }

  TempDir dir_;
  std::unique_ptr<Catalog> catalog_;
  Listing listing_;
};

}  // namespace vitrine::testing
