#include "clients/eval/self_retrieval.h"

#include <algorithm>
#include <iostream>

#include "clients/eval/views.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"

namespace vitrine::eval {

std::vector<int> Spread(int n, int wanted) {
  std::vector<int> chosen;
  const int64_t count = std::min(n, wanted);
  for (int64_t i = 0; i < count; ++i) {
    chosen.push_back(static_cast<int>(i * n / count));
  }
  return chosen;
}

absl::StatusOr<OtherViews> EmbedOtherViews(const EvalSet& set, int wanted,
                                           Embedder& embedder, int threads,
                                           cli::Progress::Mode mode) {
  std::vector<int> askers;
  for (size_t i = 0; i < set.photos.size(); ++i) {
    if (set.photos[i].asks) askers.push_back(static_cast<int>(i));
  }
  OtherViews views;
  for (int i : Spread(static_cast<int>(askers.size()), wanted)) {
    views.photos.push_back(askers[i]);
  }
  const ModelCard& card = embedder.card();
  const PixelsFn pixels = [&](int i) -> absl::StatusOr<std::vector<uint8_t>> {
    const int photo = views.photos[i];
    VITRINE_ASSIGN_OR_RETURN(
        const Image image,
        ReadPhoto(*set.catalog, set.photos[photo].path, card.input_size));
    VITRINE_ASSIGN_OR_RETURN(
        const Image view, OtherView(image, Checksum(set.photos[photo].path)));
    return SquareImage(view, card.resize, card.input_size);
  };
  const int n = static_cast<int>(views.photos.size());
  cli::Progress progress(std::cerr, mode, n, "other views by " + card.name);
  VITRINE_ASSIGN_OR_RETURN(views.vectors,
                           EmbedAll(embedder, n, threads, pixels, &progress));
  return views;
}

Estimate FoundFirst(const EvalSet& set, const std::vector<bool>& usable,
                    const Rows& rows, const OtherViews& views,
                    const std::vector<float>& scaled, int threads) {
  const int n = static_cast<int>(views.photos.size());
  const size_t dim = n == 0 ? 0 : scaled.size() / n;
  std::vector<double> found(n);
  ParallelFor(n, threads, [&](int i) {
    std::vector<float> distances(rows.n());
    rows.DistancesOf(&scaled[i * dim], distances.data());
    const int own = views.photos[i];
    bool first = views.vectors.usable[i];
    for (int row = 0; row < rows.n() && first; ++row) {
      // A tie is no find.
      first = row == own || !usable[row] || distances[row] > distances[own];
    }
    found[i] = first ? 1 : 0;
  });
  std::vector<double> counted;
  std::vector<int> groups;
  for (int i = 0; i < n; ++i) {
    if (!usable[views.photos[i]]) continue;
    counted.push_back(found[i]);
    groups.push_back(set.photos[views.photos[i]].group);
  }
  return MeansOverGroups(counted, 1, groups).front();
}

}  // namespace vitrine::eval
