#include "indexer/index_changes.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <algorithm>
#include <set>

namespace vitrine {
namespace {

template <typename Record>
std::optional<Record> Parse(std::string_view bytes) {
  Record record;
  if (!record.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return std::nullopt;
  }
  return record;
}

// The record under `key`, the changes before the table.
template <typename Record>
std::optional<Record> FindRecord(const TableChanges& changes,
                                 const Table& table, std::string_view key) {
  const auto changed = changes.find(key);
  if (changed != changes.end()) {
    return changed->second ? Parse<Record>(*changed->second) : std::nullopt;
  }
  const auto bytes = table.Find(key);
  return bytes ? Parse<Record>(*bytes) : std::nullopt;
}

// All keys of a queue are less: ids are UTF-8.
constexpr std::string_view kQueuedKeysEnd("\0\xff", 2);

}  // namespace

std::string QueuedProductKey(std::string_view product_id) {
  std::string key(1, '\0');
  key.append(product_id);
  return key;
}

std::string QueuedPictureKey(std::string_view product_id,
                             std::string_view image_key) {
  std::string key = QueuedProductKey(product_id);
  key.push_back('\0');
  key.append(image_key);
  return key;
}

std::optional<QueuedKey> ParseQueuedKey(std::string_view key) {
  if (key.empty() || key.front() != '\0') return std::nullopt;
  key.remove_prefix(1);
  const size_t end = key.find('\0');
  if (end == std::string_view::npos) return QueuedKey{key, std::nullopt};
  return QueuedKey{key.substr(0, end), key.substr(end + 1)};
}

std::string SerializeRecord(const google::protobuf::MessageLite& record) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    record.SerializeToCodedStream(&coded);
  }
  return bytes;
}

ChangeSet::ChangeSet(std::shared_ptr<const Snapshot> snapshot,
                     std::shared_ptr<const Table> sources, IndexChanges changes)
    : snapshot_(std::move(snapshot)),
      sources_(std::move(sources)),
      changes_(std::move(changes)) {
  changes_.set = snapshot_->set().id();
}

std::optional<storage::ProductRecord> ChangeSet::FindProduct(
    std::string_view product_id) const {
  return FindRecord<storage::ProductRecord>(changes_.products,
                                            snapshot_->products(), product_id);
}

std::optional<storage::SourceFileRecord> ChangeSet::FindSource(
    std::string_view path) const {
  return FindRecord<storage::SourceFileRecord>(changes_.sources, *sources_,
                                               path);
}

std::optional<storage::QueuedProductRecord> ChangeSet::FindQueuedProduct(
    std::string_view product_id) const {
  return FindRecord<storage::QueuedProductRecord>(changes_.sources, *sources_,
                                                  QueuedProductKey(product_id));
}

void ChangeSet::ForEachSource(
    const std::function<void(std::string_view path,
                             const storage::SourceFileRecord& record)>& visit)
    const {
  auto visit_bytes = [&](std::string_view path, std::string_view bytes) {
    const auto record = Parse<storage::SourceFileRecord>(bytes);
    if (record) visit(path, *record);
  };
  auto change = changes_.sources.lower_bound(kQueuedKeysEnd);
  auto visit_changes_until = [&](const std::string_view* path) {
    for (; change != changes_.sources.end() &&
           (path == nullptr || change->first < *path);
         ++change) {
      if (change->second) visit_bytes(change->first, *change->second);
    }
  };
  sources_->ForEach(
      kQueuedKeysEnd, [&](std::string_view path, std::string_view bytes) {
        visit_changes_until(&path);
        // A change takes the place of the record.
        if (change == changes_.sources.end() || change->first != path) {
          visit_bytes(path, bytes);
        }
        return true;
      });
  visit_changes_until(nullptr);
}

std::vector<std::string> ChangeSet::SourcesAtOrBelow(
    const std::string& path) const {
  std::vector<std::string> found = SourcesWithPrefix(path + "/");
  if (FindSource(path)) found.insert(found.begin(), path);
  return found;
}

std::vector<std::string> ChangeSet::SourcesWithPrefix(
    const std::string& prefix) const {
  std::set<std::string> found;
  sources_->ForEach(prefix, [&](std::string_view key, std::string_view) {
    if (!key.starts_with(prefix)) return false;
    found.emplace(key);
    return true;
  });
  for (auto change = changes_.sources.lower_bound(prefix);
       change != changes_.sources.end() && change->first.starts_with(prefix);
       ++change) {
    if (change->second) {
      found.insert(change->first);
    } else {
      found.erase(change->first);
    }
  }
  return {found.begin(), found.end()};
}

std::vector<uint16_t> ChangeSet::FindVector(
    const std::string& product_id, const std::string& image_key) const {
  const auto changed = changes_.rows.find({product_id, image_key});
  if (changed != changes_.rows.end()) {
    return changed->second ? changed->second->vector : std::vector<uint16_t>();
  }
  std::vector<uint16_t> vector;
  snapshot_->ForEachRowOf(product_id, [&](const Shard& shard, uint32_t row) {
    if (shard.key(row).image_key != image_key) return;
    const uint16_t* values = shard.vector(row);
    vector.assign(values, values + shard.dim());
  });
  return vector;
}

void ChangeSet::PutProduct(const std::string& product_id,
                           const storage::ProductRecord& record) {
  changes_.products[product_id] = SerializeRecord(record);
}

void ChangeSet::PutImage(Row row, std::string thumbnail) {
  storage::ProductRecord product =
      FindProduct(row.product_id).value_or(storage::ProductRecord());
  auto* images = product.mutable_images();
  auto image = std::find_if(
      images->begin(), images->end(),
      [&](const auto& known) { return known.key() >= row.image_key; });
  if (image == images->end() || image->key() != row.image_key) {
    // In the order of the keys.
    const auto at = image - images->begin();
    images->Add();
    std::rotate(images->begin() + at, images->end() - 1, images->end());
    image = images->begin() + at;
    image->set_key(row.image_key);
  }
  image->set_sha256(row.sha256.data(), row.sha256.size());
  PutProduct(row.product_id, product);
  if (!thumbnail.empty()) {
    changes_.thumbnails[row.sha256] = std::move(thumbnail);
  }
  std::pair key(row.product_id, row.image_key);
  changes_.rows[std::move(key)] = std::move(row);
}

void ChangeSet::RemoveImage(const std::string& product_id,
                            const std::string& image_key) {
  std::optional<storage::ProductRecord> product = FindProduct(product_id);
  if (!product) return;
  auto* images = product->mutable_images();
  const auto image =
      std::find_if(images->begin(), images->end(),
                   [&](const auto& known) { return known.key() == image_key; });
  if (image == images->end()) return;
  images->erase(image);
  if (images->empty()) {
    changes_.products[product_id] = std::nullopt;
  } else {
    PutProduct(product_id, *product);
  }
  changes_.rows[{product_id, image_key}] = std::nullopt;
}

bool ChangeSet::Describe(const std::string& product_id,
                         storage::ProductRecord description) {
  const std::optional<storage::ProductRecord> product = FindProduct(product_id);
  if (!product) return false;
  *description.mutable_images() = product->images();
  if (SerializeRecord(description) == SerializeRecord(*product)) return false;
  PutProduct(product_id, description);
  return true;
}

void ChangeSet::PutSource(const std::string& path,
                          const storage::SourceFileRecord& record) {
  changes_.sources[path] = SerializeRecord(record);
}

void ChangeSet::RemoveSource(const std::string& path) {
  changes_.sources[path] = std::nullopt;
}

void ChangeSet::PutQueuedProduct(std::string_view product_id,
                                 const storage::QueuedProductRecord& record) {
  changes_.sources[QueuedProductKey(product_id)] = SerializeRecord(record);
}

void ChangeSet::PutOriginal(const Sha256Digest& sha256,
                            std::string_view bytes) {
  changes_.originals.try_emplace(sha256, bytes);
}

void ChangeSet::SetPosition(const storage::SourcePosition& position) {
  for (const storage::SourcePosition& known : snapshot_->manifest().sources()) {
    if (known.source() == position.source() &&
        SerializeRecord(known) == SerializeRecord(position)) {
      changes_.positions.erase(position.source());
      return;
    }
  }
  changes_.positions[position.source()] = position;
}

}  // namespace vitrine
