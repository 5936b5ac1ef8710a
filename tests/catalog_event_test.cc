#include "indexer/catalog_event.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "common/base/status.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine {
namespace {

v1::CatalogEvent Upsert() {
  v1::CatalogEvent event;
  v1::ProductUpsert* upsert = event.mutable_upsert();
  upsert->set_product_id("coat-1");
  upsert->set_title("Coat");
  upsert->set_category("Coats");
  (*upsert->mutable_attributes())["price"].set_number(99.5);
  (*upsert->mutable_attributes())["sizes"].mutable_list()->add_values("M");
  v1::CatalogImage* image = upsert->add_images();
  image->set_key("front");
  image->set_content("the bytes");
  return event;
}

absl::StatusOr<ProductChange> Read(const v1::CatalogEvent& event) {
  return ReadCatalogEvent(event.SerializeAsString(), 77, "/srv/files");
}

TEST(CatalogEvent, ReadsAnUpsert) {
  v1::CatalogEvent event = Upsert();
  event.set_source("erp");
  event.set_version(5);
  event.mutable_upsert()->mutable_visible_until()->set_seconds(10);
  const auto change = Read(event);
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->kind, ProductChange::Kind::kPut);
  EXPECT_EQ(change->source, "queue/erp");
  EXPECT_EQ(change->version, 5u);
  EXPECT_EQ(change->product_id, "coat-1");
  EXPECT_EQ(change->fields.title(), "Coat");
  EXPECT_EQ(change->fields.category(), "Coats");
  EXPECT_EQ(change->fields.source(), "queue/erp");
  EXPECT_EQ(change->fields.version(), 5u);
  EXPECT_EQ(change->fields.visible_until_unix_ms(), 10'000);
  EXPECT_EQ(change->fields.attributes().at("price").number(), 99.5);
  EXPECT_EQ(change->fields.attributes().at("sizes").list().values(0), "M");
  ASSERT_EQ(change->pictures.size(), 1u);
  EXPECT_EQ(change->pictures[0].key, "front");
  EXPECT_EQ(*change->pictures[0].content, "the bytes");
}

TEST(CatalogEvent, TakesTheEntryForAVersionThatIsMissing) {
  v1::CatalogEvent event = Upsert();
  event.mutable_upsert()->clear_images();
  event.mutable_upsert()->set_attributes_only(true);
  const auto change = Read(event);
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->kind, ProductChange::Kind::kDescribe);
  EXPECT_EQ(change->version, 77u);
  EXPECT_EQ(change->source, "queue");
}

TEST(CatalogEvent, ReadsADeletion) {
  v1::CatalogEvent event;
  event.mutable_delete_()->set_product_id("coat-1");
  const auto change = Read(event);
  ASSERT_TRUE(change.ok()) << change.status();
  EXPECT_EQ(change->kind, ProductChange::Kind::kDelete);
  EXPECT_EQ(change->product_id, "coat-1");
}

TEST(CatalogEvent, FindsFilesBelowTheRoot) {
  v1::CatalogEvent event = Upsert();
  v1::CatalogImage* image = event.mutable_upsert()->mutable_images(0);
  image->set_path("a/b.jpg");
  EXPECT_EQ(Read(event)->pictures[0].path, "a/b.jpg");
  for (const char* uri :
       {"file:///srv/files/a/b%20c.jpg", "file://localhost/srv/files/a/b c.jpg",
        "file:///srv/files/x/../a/b%20c.jpg"}) {
    image->set_uri(uri);
    const auto change = Read(event);
    ASSERT_TRUE(change.ok()) << change.status();
    EXPECT_EQ(change->pictures[0].path, "a/b c.jpg");
  }
}

TEST(CatalogEvent, SaysWhatIsWrong) {
  struct Case {
    std::function<void(v1::CatalogEvent*)> spoil;
    const char* message;
  };
  const Case cases[] = {
      {[](auto* e) { e->clear_upsert(); },
       "change: is neither upsert nor delete"},
      {[](auto* e) { e->mutable_upsert()->clear_product_id(); },
       "upsert.product_id: is missing"},
      {[](auto* e) {
         e->mutable_upsert()->set_product_id(std::string(1025, 'x'));
       },
       "upsert.product_id: has 1025 bytes; at most 1024 are allowed"},
      {[](auto* e) {
         e->mutable_upsert()->set_product_id(std::string("a\0b", 3));
       },
       "upsert.product_id: 'a?b' has a control character; leave it out"},
      {[](auto* e) { e->mutable_delete_(); }, "delete.product_id: is missing"},
      {[](auto* e) { e->set_source("a\nb"); },
       "source: 'a?b' has a control character; leave it out"},
      {[](auto* e) { (*e->mutable_upsert()->mutable_attributes())["x"]; },
       "upsert.attributes['x']: has no value; set text, number, flag or list"},
      {[](auto* e) {
         (*e->mutable_upsert()->mutable_attributes())["x"].set_number(NAN);
       },
       "upsert.attributes['x']: nan is not finite; leave it out"},
      {[](auto* e) {
         e->mutable_upsert()->mutable_images(0)->clear_location();
       },
       "upsert.images[0]: has no content, path or uri"},
      {[](auto* e) { e->mutable_upsert()->mutable_images(0)->clear_key(); },
       "upsert.images[0].key: is missing"},
      {[](auto* e) {
         *e->mutable_upsert()->add_images() = e->upsert().images(0);
       },
       "upsert.images[1].key: 'front' stands there twice"},
      {[](auto* e) {
         e->mutable_upsert()->mutable_images(0)->set_path("../x.jpg");
       },
       "upsert.images[0].path: '../x.jpg' leads upwards"},
      {[](auto* e) {
         e->mutable_upsert()->mutable_images(0)->set_path("/etc/passwd");
       },
       "upsert.images[0].path: '/etc/passwd' is absolute; name it from the "
       "root of --queue-files, or as a file: URI"},
      {[](auto* e) {
         e->mutable_upsert()->mutable_images(0)->set_uri(
             "file:///srv/files/../x.jpg");
       },
       "upsert.images[0].uri: 'file:///srv/files/../x.jpg' does not lie below "
       "/srv/files/"},
      {[](auto* e) {
         e->mutable_upsert()->mutable_images(0)->set_uri("http://x/y.jpg");
       },
       "upsert.images[0].uri: 'http://x/y.jpg' is no file: URI; send the bytes "
       "as content"},
      {[](auto* e) {
         e->mutable_upsert()->mutable_visible_from()->set_seconds(20);
         e->mutable_upsert()->mutable_visible_until()->set_seconds(10);
       },
       "upsert.visible_until: is not after visible_from: it would never be "
       "offered"},
      {[](auto* e) {
         e->mutable_upsert()->mutable_visible_from()->set_seconds(INT64_MAX);
       },
       "upsert.visible_from: 9223372036854775807 s and 0 ns since 1970 is no "
       "time of the years 1 to 9999"},
      {[](auto* e) { e->mutable_upsert()->set_attributes_only(true); },
       "upsert.images: there are pictures, and attributes_only leaves them "
       "alone"},
      {[](auto* e) {
         e->mutable_upsert()->set_title(std::string(70'000, 'x'));
       },
       "upsert: title, category and attributes have 70047 bytes; at most 65536 "
       "are allowed"},
  };
  for (const Case& c : cases) {
    v1::CatalogEvent event = Upsert();
    c.spoil(&event);
    const absl::Status status = Read(event).status();
    EXPECT_EQ(std::string(status.message()), c.message);
    EXPECT_EQ(ErrorOf(status).reason(), v1::ERROR_REASON_INVALID_EVENT);
  }
  EXPECT_EQ(ReadCatalogEvent("no event", 1, "").status().message(),
            "event: these 8 bytes are no vitrine.v1.CatalogEvent");
  v1::CatalogEvent event = Upsert();
  event.mutable_upsert()->mutable_images(0)->set_path("a.jpg");
  EXPECT_EQ(
      ReadCatalogEvent(event.SerializeAsString(), 1, "").status().message(),
      "upsert.images[0]: is a path, and the indexer has no --queue-files to "
      "read it from; send the bytes as content");
}

}  // namespace
}  // namespace vitrine
