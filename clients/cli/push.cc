#include "clients/cli/push.h"

#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/push_outcome.h"
#include "clients/cli/text.h"
#include "common/base/file.h"
#include "common/base/partition.h"
#include "common/base/status.h"
#include "common/catalog/catalog.h"
#include "common/catalog/catalog_folder.h"
#include "common/image/image.h"
#include "common/queue/redis_stream.h"
#include "vitrine/v1/catalog.pb.h"

namespace vitrine::cli {
namespace {

using google::protobuf::util::TimeUtil;

constexpr int64_t kConnectMs = 5000;
// So many entries are sent without asking for the backlog.
constexpr int64_t kEntriesAtOnce = 32;
constexpr std::chrono::seconds kPatience(10);
// The receipts tell of more.
constexpr size_t kToldRefusals = 20;

std::string Text(absl::string_view text) { return std::string(text); }

// All of a product but its pictures.
void SetFields(const storage::ProductRecord& record,
               v1::ProductUpsert* upsert) {
  upsert->set_title(record.title());
  upsert->set_category(record.category());
  for (const auto& [name, value] : record.attributes()) {
    // The two messages have the same fields.
    (*upsert->mutable_attributes())[name].ParseFromString(
        value.SerializeAsString());
  }
  if (record.visible_from_unix_ms() != 0) {
    *upsert->mutable_visible_from() =
        TimeUtil::MillisecondsToTimestamp(record.visible_from_unix_ms());
  }
  if (record.visible_until_unix_ms() != 0) {
    *upsert->mutable_visible_until() =
        TimeUtil::MillisecondsToTimestamp(record.visible_until_unix_ms());
  }
}

class Pusher {
 public:
  Pusher(const Flags& flags, const Environment& environment,
         std::chrono::milliseconds look)
      : flags_(flags), environment_(environment), look_(look) {}

  absl::Status Run() {
    if (HasPartitionPlace(flags_.queue) != (flags_.partitions > 1)) {
      return absl::InvalidArgumentError(
          "several partitions have a stream each: give --partitions=N and put "
          "{partition} for the number into --queue, or neither");
    }
    std::vector<QueueAddress> addresses;
    for (uint32_t number = 0; number < partitions(); ++number) {
      VITRINE_ASSIGN_OR_RETURN(
          addresses.emplace_back(),
          ParseQueueUrl(FillPartition(flags_.queue, {number, partitions()})));
    }
    VITRINE_RETURN_IF_ERROR(Gather());
    for (const QueueAddress& address : addresses) {
      VITRINE_ASSIGN_OR_RETURN(streams_.emplace_back().stream,
                               RedisStream::Connect(address, kConnectMs));
    }
    VITRINE_ASSIGN_OR_RETURN(const int64_t dead_before, DeadLetters());
    std::optional<PushOutcome> outcome;
    if (!flags_.push_server.empty()) {
      VITRINE_ASSIGN_OR_RETURN(
          outcome, PushOutcome::Begin(flags_.push_server, flags_.security));
    }
    VITRINE_RETURN_IF_ERROR(PushAll());
    if (!flags_.wait || products_ == 0) return absl::OkStatus();
    VITRINE_RETURN_IF_ERROR(Wait());
    if (outcome) {
      VITRINE_RETURN_IF_ERROR(TellOutcome(*outcome));
    }
    VITRINE_ASSIGN_OR_RETURN(const int64_t dead, DeadLetters());
    if (dead > dead_before) {
      return absl::InvalidArgumentError(absl::StrCat(
          FormatCount(dead - dead_before),
          " events were refused as a whole; why stands beside each in the "
          "stream ",
          addresses[0].DeadLetters(),
          partitions() > 1 ? " and those of the other partitions" : ""));
    }
    return absl::OkStatus();
  }

  int64_t products() const { return products_; }
  int64_t pictures() const { return pictures_; }
  int64_t failed() const { return failed_; }
  // Pictures that the indexer has refused, as far as a server was asked.
  int64_t refused() const { return refused_; }
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;

  struct Product {
    std::vector<std::string> keys;   // Of its pictures, …
    std::vector<std::string> files;  // … and where they are, if no catalogue.
  };

  struct Stream {
    std::unique_ptr<RedisStream> stream;
    std::string first;  // The first and …
    std::string last;   // … the last entry that was sent to it.
  };

  uint32_t partitions() const {
    return static_cast<uint32_t>(std::max(1, flags_.partitions));
  }

  // Waits until all is searchable, and tells of pictures that were refused.
  absl::Status TellOutcome(PushOutcome& outcome) {
    std::set<std::string> products(deletions_.begin(), deletions_.end());
    for (const auto* some : {&of_catalog_, &of_files_}) {
      for (const auto& [id, product] : *some) products.insert(id);
    }
    VITRINE_ASSIGN_OR_RETURN(const uint64_t noted,
                             streams_[0].stream->NotedGeneration());
    VITRINE_ASSIGN_OR_RETURN(
        const std::vector<v1::Receipt> refused,
        outcome.Await(products, streams_[0].first, noted, look_, [&] {
          Tell(absl::StrCat("the server has not opened generation ", noted,
                            " yet; its own lines say why"));
        }));
    refused_ = static_cast<int64_t>(refused.size());
    for (size_t i = 0; i < std::min(refused.size(), kToldRefusals); ++i) {
      const v1::Receipt& receipt = refused[i];
      Tell(absl::StrCat("refused ", receipt.path(), " of product '",
                        receipt.product_id(), "': ", receipt.message()));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<int64_t> DeadLetters() const {
    int64_t dead = 0;
    for (const Stream& one : streams_) {
      VITRINE_ASSIGN_OR_RETURN(const int64_t of_one, one.stream->DeadLetters());
      dead += of_one;
    }
    return dead;
  }

  absl::Status Gather() {
    deletions_ = flags_.deletions;
    if (!flags_.catalog.empty()) {
      CatalogOptions options;
      options.root = flags_.catalog;
      options.category_attribute = flags_.category_attribute;
      options.product_pattern = flags_.product_pattern;
      VITRINE_ASSIGN_OR_RETURN(options.layout, ParseLayout(flags_.layout));
      VITRINE_ASSIGN_OR_RETURN(catalog_, Catalog::Open(options));
      VITRINE_ASSIGN_OR_RETURN(const Listing listing, catalog_->Scan());
      for (const CatalogPicture& picture : listing.pictures) {
        of_catalog_[picture.product_id].keys.push_back(picture.path);
      }
      deletions_.insert(deletions_.end(), listing.deleted_products.begin(),
                        listing.deleted_products.end());
      if (of_catalog_.empty() && deletions_.empty()) {
        return absl::NotFoundError(absl::StrCat(
            "the catalogue ", flags_.catalog,
            " holds no picture; vitrine check tells what would be read of it"));
      }
    }
    for (const std::string& file : flags_.images) {
      const std::filesystem::path path(file);
      Product& product =
          of_files_[flags_.products.empty() ? path.stem().string()
                                            : flags_.products[0]];
      product.keys.push_back(path.filename().string());
      product.files.push_back(file);
    }
    return absl::OkStatus();
  }

  absl::Status PushAll() {
    const auto total = static_cast<int64_t>(
        of_catalog_.size() + of_files_.size() + deletions_.size());
    Progress progress(environment_.err, environment_.progress, total,
                      "products");
    progress_ = &progress;
    auto push = [&](const v1::CatalogEvent& event) -> absl::Status {
      VITRINE_RETURN_IF_ERROR(Send(event));
      ++products_;
      progress.Update(products_, failed_);
      return absl::OkStatus();
    };
    for (const auto& [products, catalog] :
         {std::pair{&of_catalog_, catalog_.get()},
          std::pair{&of_files_, static_cast<Catalog*>(nullptr)}}) {
      for (const auto& [id, product] : *products) {
        const auto event = Upsert(id, product, catalog);
        if (event) {
          VITRINE_RETURN_IF_ERROR(push(*event));
        } else if (catalog != nullptr) {
          VITRINE_RETURN_IF_ERROR(CheckRoot(catalog->root()));
        }
      }
    }
    for (const std::string& id : deletions_) {
      if (of_files_.contains(id)) continue;
      v1::CatalogEvent event = NewEvent();
      event.mutable_delete_()->set_product_id(id);
      VITRINE_RETURN_IF_ERROR(push(event));
    }
    progress_ = nullptr;
    return absl::OkStatus();
  }

  v1::CatalogEvent NewEvent() const {
    v1::CatalogEvent event;
    event.set_source(flags_.source);
    event.set_version(static_cast<uint64_t>(
        std::chrono::nanoseconds(
            std::chrono::system_clock::now().time_since_epoch())
            .count()));
    return event;
  }

  // Nothing where a picture cannot be read, which is told of: without it, the
  // indexer would take it for removed.
  std::optional<v1::CatalogEvent> Upsert(const std::string& id,
                                         const Product& product,
                                         const Catalog* catalog) {
    v1::CatalogEvent event = NewEvent();
    v1::ProductUpsert* upsert = event.mutable_upsert();
    upsert->set_product_id(id);
    if (catalog != nullptr) {
      SetFields(catalog->Describe(id, product.keys[0]), upsert);
    }
    // As the indexer takes.
    const uint64_t most_bytes = ImageLimits().max_bytes;
    for (size_t i = 0; i < product.keys.size(); ++i) {
      const std::string& key = product.keys[i];
      if (catalog != nullptr && flags_.by_path) {
        v1::CatalogImage* image = upsert->add_images();
        image->set_key(key);
        image->set_path(key);
        ++pictures_;
        continue;
      }
      auto bytes = catalog != nullptr ? catalog->ReadPicture(key, most_bytes)
                                      : ReadFile(product.files[i], most_bytes);
      if (!bytes.ok()) {
        ++failed_;
        Tell(absl::StrCat(Text(bytes.status().message()), "; product '", id,
                          "' is not pushed"));
        return std::nullopt;
      }
      v1::CatalogImage* image = upsert->add_images();
      image->set_key(key);
      image->set_content(*std::move(bytes));
      ++pictures_;
    }
    return event;
  }

  absl::Status Send(const v1::CatalogEvent& event) {
    if (flags_.max_backlog > 0 && products_ % kEntriesAtOnce == 0) {
      VITRINE_RETURN_IF_ERROR(
          Await([this](const std::vector<QueueBacklog>&, int64_t left) {
            return left <= flags_.max_backlog;
          }));
    }
    const std::string& product = event.has_upsert()
                                     ? event.upsert().product_id()
                                     : event.delete_().product_id();
    Stream& own = streams_[PartitionOf(product, partitions())];
    VITRINE_ASSIGN_OR_RETURN(own.last,
                             own.stream->Add(event.SerializeAsString()));
    if (own.first.empty()) own.first = own.last;
    return absl::OkStatus();
  }

  // Waits until nothing of what was sent waits or is in hand.
  absl::Status Wait() {
    const int64_t total = products_;
    Progress progress(environment_.err, environment_.progress, total,
                      "products searchable");
    progress_ = &progress;
    absl::Status status =
        Await([&](const std::vector<QueueBacklog>& backlogs, int64_t left) {
          progress.Update(std::max<int64_t>(0, total - left), 0);
          for (size_t i = 0; i < backlogs.size(); ++i) {
            const uint64_t last = VersionOfEntry(streams_[i].last);
            const std::string& oldest = backlogs[i].oldest_pending;
            if (VersionOfEntry(backlogs[i].last_delivered) < last ||
                (!oldest.empty() && VersionOfEntry(oldest) <= last)) {
              return false;
            }
          }
          return true;
        });
    progress_ = nullptr;
    return status;
  }

  template <typename Holds>
  absl::Status Await(const Holds& holds) {
    Clock::time_point moved = Clock::now();
    int64_t left = INT64_MAX;
    bool told = false;
    while (true) {
      std::vector<QueueBacklog> backlogs;
      int64_t now_left = 0;
      for (const Stream& one : streams_) {
        VITRINE_ASSIGN_OR_RETURN(backlogs.emplace_back(),
                                 one.stream->Backlog());
        now_left += backlogs.back().pending +
                    std::max<int64_t>(0, backlogs.back().waiting);
      }
      if (holds(backlogs, now_left)) return absl::OkStatus();
      if (now_left < left) {
        left = now_left;
        moved = Clock::now();
      } else if (!told && Clock::now() - moved > kPatience) {
        told = true;
        Tell(absl::StrCat(
            FormatCount(now_left),
            " entries wait, and no indexer takes them; start vitrine-indexer "
            "with this --queue, or see what it says"));
      }
      std::this_thread::sleep_for(look_);
    }
  }

  void Tell(const std::string& line) {
    if (progress_ != nullptr) progress_->Clear();
    environment_.err << "vitrine: " << Printable(line) << "\n" << std::flush;
  }

  const Flags& flags_;
  const Environment& environment_;
  const std::chrono::milliseconds look_;
  const Clock::time_point start_ = Clock::now();
  std::unique_ptr<Catalog> catalog_;
  std::map<std::string, Product> of_catalog_;
  std::map<std::string, Product> of_files_;
  std::vector<std::string> deletions_;
  std::vector<Stream> streams_;  // One a partition.
  Progress* progress_ = nullptr;
  int64_t products_ = 0;
  int64_t pictures_ = 0;
  int64_t failed_ = 0;
  int64_t refused_ = 0;
};

}  // namespace

int Push(const Flags& flags, const Environment& environment,
         std::chrono::milliseconds look) {
  Pusher pusher(flags, environment, look);
  const absl::Status status = pusher.Run();
  if (pusher.products() > 0) {
    environment.err << "vitrine: pushed " << FormatCount(pusher.products())
                    << " products with " << FormatCount(pusher.pictures())
                    << " pictures in " << FormatSeconds(pusher.seconds());
    if (pusher.failed() > 0) {
      environment.err << "; " << FormatCount(pusher.failed())
                      << " products were not, as a picture could not be read";
    }
    if (flags.wait && status.ok()) {
      environment.err << (flags.push_server.empty()
                              ? "; the indexer has taken all"
                              : "; all is taken, and searchable at ")
                      << flags.push_server;
    }
    if (pusher.refused() > 0) {
      environment.err << " but for " << FormatCount(pusher.refused())
                      << " pictures that were refused; vitrine receipts "
                         "--refused --server="
                      << flags.push_server << " tells why";
    }
    environment.err << "\n";
  }
  if (!status.ok()) {
    environment.err << "vitrine: " << Text(status.message()) << "\n";
    if (absl::IsUnavailable(status) && pusher.products() > 0) {
      environment.err << "vitrine: push again when it answers; what is there "
                         "already does no harm\n";
    }
  }
  return status.ok() && pusher.failed() == 0 && pusher.refused() == 0 ? kOk
                                                                      : kFailed;
}

}  // namespace vitrine::cli
