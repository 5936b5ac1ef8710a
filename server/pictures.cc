#include "server/pictures.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <future>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/image/image.h"
#include "server/decode_budget.h"

namespace vitrine {
namespace {

// Pictures of one request that may wait for the model: two batches, so that it
// never idles and one request does not fill its queue.
constexpr size_t kMaxSubmitted = 16;

absl::Status CheckRegion(const v1::Region& region, const std::string& field) {
  if (region.x0() >= 0 && region.x0() < region.x1() && region.x1() <= 1 &&
      region.y0() >= 0 && region.y0() < region.y1() && region.y1() <= 1) {
    return absl::OkStatus();
  }
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_PARAMETER,
      absl::StrCat("the region (", region.x0(), ", ", region.y0(), ") to (",
                   region.x1(), ", ", region.y1(),
                   ") is no part of a picture; right is 0 <= x0 < x1 <= 1 and "
                   "0 <= y0 < y1 <= 1, in shares of width and height"),
      field);
}

// The model's input: input_size × input_size × 3 RGB.
absl::StatusOr<std::vector<uint8_t>> PreparePicture(const PictureInput& input,
                                                    const ModelCard& card) {
  const v1::ImageInput& image = *input.image;
  float share = 1;
  if (image.has_region()) {
    const v1::Region& region = image.region();
    VITRINE_RETURN_IF_ERROR(CheckRegion(region, input.field + ".region"));
    share = std::min(region.x1() - region.x0(), region.y1() - region.y0());
  }
  // A region must keep the resolution that the whole picture would.
  const float min_side = std::ceil(DecodeMinSide(card.input_size) / share);
  const auto info = ProbeImage(image.content());
  if (!info.ok()) return WithField(info.status(), input.field + ".content");
  // Until it is squared.
  const auto held = DecodeBudget::OfProcess().Take(int64_t{info->width} *
                                                   int64_t{info->height});
  auto decoded = DecodeImage(image.content(), {},
                             static_cast<int>(std::min(min_side, 65536.0f)));
  if (!decoded.ok()) {
    return WithField(decoded.status(), input.field + ".content");
  }
  if (image.has_region()) {
    const v1::Region& region = image.region();
    auto cropped =
        CropImage(*decoded, region.x0(), region.y0(), region.x1(), region.y1());
    if (!cropped.ok()) {
      return WithField(cropped.status(), input.field + ".region");
    }
    *decoded = *std::move(cropped);
  }
  return SquareImage(*decoded, card.resize, card.input_size);
}

}  // namespace

std::vector<absl::StatusOr<PictureVector>> EmbedPictures(
    const Serving& serving, const std::vector<PictureInput>& pictures,
    const Call& call, v1::Timings* timings) {
  EmbedBatcher& embedder = serving.embedder();
  std::vector<absl::StatusOr<PictureVector>> answers(pictures.size());
  struct Submitted {
    size_t index;
    std::future<absl::StatusOr<EmbeddedPicture>> answer;
  };
  std::deque<Submitted> submitted;
  float queue_ms = 0;
  uint64_t last_batch = 0;
  auto take_first = [&] {
    const size_t index = submitted.front().index;
    auto embedded = submitted.front().answer.get();
    submitted.pop_front();
    if (!embedded.ok()) {
      answers[index] = WithField(embedded.status(), pictures[index].field);
      return;
    }
    queue_ms = std::max(queue_ms, embedded->queue_ms);
    if (embedded->batch != last_batch) {
      timings->set_embed_ms(timings->embed_ms() + embedded->embed_ms);
      last_batch = embedded->batch;
    }
    answers[index]->vector = std::move(embedded->vector);
  };
  for (size_t i = 0; i < pictures.size(); ++i) {
    if (absl::Status status = call.Check(); !status.ok()) {
      answers[i] = status;
      continue;
    }
    const auto begin = std::chrono::steady_clock::now();
    auto pixels = PreparePicture(pictures[i], embedder.card());
    if (pixels.ok()) {
      answers[i] = PictureVector();
      if (!pictures[i].image->has_region()) {
        const Sha256Digest digest = Sha256(pictures[i].image->content());
        answers[i]->sha256.assign(digest.begin(), digest.end());
      }
    } else {
      answers[i] = pixels.status();
    }
    timings->set_decode_ms(timings->decode_ms() + MillisecondsSince(begin));
    if (!pixels.ok()) continue;
    if (submitted.size() >= kMaxSubmitted) take_first();
    submitted.push_back(
        {i, embedder.Submit(*std::move(pixels), call.deadline)});
  }
  while (!submitted.empty()) take_first();
  timings->set_queue_ms(timings->queue_ms() + queue_ms);
  return answers;
}

}  // namespace vitrine
