// What the next generation changes, gathered picture by picture.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "common/index/picture_pack.h"
#include "common/index/shard.h"
#include "common/index/snapshot.h"
#include "common/index/table.h"
#include "vitrine/storage/manifest.pb.h"
#include "vitrine/storage/records.pb.h"

namespace vitrine {

struct IndexChanges {
  // The id of the vector set that the rows are of: they are published only
  // while it serves.
  uint64_t set = 0;
  // By (product id, image key): a row that is new or takes another's place, or
  // nothing for one that goes.
  std::map<std::pair<std::string, std::string>, std::optional<Row>> rows;
  PackedPictures thumbnails;
  TableChanges products;
  TableChanges sources;
  // Pictures that came as bytes, as they came, by their SHA-256.
  PackedPictures originals;
  std::map<std::string, storage::SourcePosition> positions;  // By source.

  bool empty() const {
    return rows.empty() && products.empty() && sources.empty() &&
           positions.empty();
  }
};

// The keys in sources/ of what came by a queue. They begin with a zero byte, as
// no path of a catalogue does.
std::string QueuedProductKey(std::string_view product_id);
std::string QueuedPictureKey(std::string_view product_id,
                             std::string_view image_key);
struct QueuedKey {
  std::string_view product_id;
  std::optional<std::string_view> image_key;  // Nothing: the product itself.
};
// Nothing for the path of a catalogue's file. Valid as long as `key`.
std::optional<QueuedKey> ParseQueuedKey(std::string_view key);

// Builds IndexChanges and keeps what must hold in every generation: a row is
// live exactly if its product's record lists its key and content, and a record
// lists at least one picture. Not thread-safe.
class ChangeSet {
 public:
  // Changes to a generation's content. Merges of the same content that are
  // published meanwhile do no harm.
  ChangeSet(std::shared_ptr<const Snapshot> snapshot,
            std::shared_ptr<const Table> sources, IndexChanges changes = {});

  // As they will be once the changes are published.
  std::optional<storage::ProductRecord> FindProduct(
      std::string_view product_id) const;
  std::optional<storage::SourceFileRecord> FindSource(
      std::string_view path) const;
  // Calls `visit` with each known file of the catalogue, in order of path.
  void ForEachSource(
      const std::function<void(std::string_view path,
                               const storage::SourceFileRecord& record)>& visit)
      const;
  // The known files at `path`, or below it where it is a folder, in order.
  std::vector<std::string> SourcesAtOrBelow(const std::string& path) const;
  // Those whose key begins with `prefix`, in order.
  std::vector<std::string> SourcesWithPrefix(const std::string& prefix) const;
  std::optional<storage::QueuedProductRecord> FindQueuedProduct(
      std::string_view product_id) const;
  // The vector of a product's picture; empty where it has no such picture.
  std::vector<uint16_t> FindVector(const std::string& product_id,
                                   const std::string& image_key) const;

  // Adds a picture to a product or replaces the one with this key. A product
  // that is new has an empty record until it is described.
  void PutImage(Row row, std::string thumbnail);
  // Removes a picture where it is there, and with its last one the product.
  void RemoveImage(const std::string& product_id, const std::string& image_key);
  // Sets all of a product but its pictures. A product without pictures stays
  // away. Returns whether that changed anything.
  bool Describe(const std::string& product_id,
                storage::ProductRecord description);

  void PutSource(const std::string& path,
                 const storage::SourceFileRecord& record);
  void RemoveSource(const std::string& path);
  void PutQueuedProduct(std::string_view product_id,
                        const storage::QueuedProductRecord& record);
  // The bytes of a picture that exists nowhere else.
  void PutOriginal(const Sha256Digest& sha256, std::string_view bytes);
  // How far and how a source has been read.
  void SetPosition(const storage::SourcePosition& position);

  const IndexChanges& changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }
  size_t rows() const { return changes_.rows.size(); }

 private:
  void PutProduct(const std::string& product_id,
                  const storage::ProductRecord& record);

  std::shared_ptr<const Snapshot> snapshot_;
  std::shared_ptr<const Table> sources_;
  IndexChanges changes_;
};

// Deterministic bytes, so that equal records are equal strings.
std::string SerializeRecord(const google::protobuf::MessageLite& record);

}  // namespace vitrine
