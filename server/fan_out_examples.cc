#include "server/fan_out_examples.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "server/gather.h"
#include "server/query.h"

namespace vitrine {
namespace {

// The error of a picture, with its path in the caller's request.
absl::Status ErrorOfItem(const v1::Error& error, int index,
                         const std::string& field) {
  const std::string own = absl::StrCat("images[", index, "]");
  std::string path = field;
  if (std::string_view(error.field()).starts_with(own))
    path += error.field().substr(own.size());
  return MakeError(
      static_cast<absl::StatusCode>(error.code()), error.reason(),
      error.message(), path,
      error.has_limit() ? std::optional(error.limit()) : std::nullopt,
      error.retry_after_ms());
}

// Embeds by any one partition that serves `facts`.
absl::StatusOr<v1::EmbedResponse> EmbedBy(const Partitions& partitions,
                                          const VectorFacts& facts,
                                          const v1::EmbedRequest& request,
                                          const Call& call) {
  v1::EmbedRequest asked = request;
  if (request.model().empty()) asked.set_required_model(facts.model);
  Shortfall shortfall(partitions, /*require_complete=*/false, &facts);
  const std::vector<Backend*> order = partitions.ByHealth();
  for (size_t i = 0; i < order.size(); ++i) {
    // What hangs leaves half of the time to others.
    Call one = partitions.HandDown(call);
    if (i + 1 < order.size()) {
      const auto now = std::chrono::system_clock::now();
      one.deadline = std::min(one.deadline, now + (one.deadline - now) / 2);
    }
    auto answers = Gather<v1::EmbedResponse>(AskAll({order[i]}, asked), one);
    VITRINE_RETURN_IF_ERROR(call.Check());
    VITRINE_RETURN_IF_ERROR(shortfall.Add(order[i], answers[0].status));
    if (answers[0].status.ok()) return std::move(answers[0].response);
  }
  return shortfall.Check();
}

}  // namespace

absl::StatusOr<v1::EmbedResponse> FanOutEmbed(const Partitions& partitions,
                                              const v1::EmbedRequest& request,
                                              const Call& call) {
  v1::EmbedResponse response;
  VITRINE_RETURN_IF_ERROR(partitions.Attempt(call, [&]() -> absl::Status {
    VITRINE_ASSIGN_OR_RETURN(
        const VectorFacts facts,
        partitions.Facts(request.required_model(), request.model(), call));
    return PutInto(&response, EmbedBy(partitions, facts, request, call));
  }));
  return response;
}

absl::StatusOr<std::vector<FoundProduct>> FindProducts(
    const Partitions& partitions, const VectorFacts& facts,
    const std::vector<std::string>& ids, const std::vector<std::string>& fields,
    const Call& call) {
  std::vector<FoundProduct> products(ids.size());
  if (ids.empty()) return products;
  std::vector<Question<v1::GetProductRequest>> questions;
  for (const std::string& id : ids) {
    v1::GetProductRequest request;
    request.set_product_id(id);
    request.set_vectors(true);
    request.set_model(facts.model);
    for (auto& question : AskAll(partitions.all(), std::move(request)))
      questions.push_back(std::move(question));
  }
  const size_t each = partitions.all().size();
  std::set<size_t> found;
  auto answers = Gather<v1::GetProductResponse>(
      std::move(questions), partitions.HandDown(call),
      [&](size_t i, const absl::Status& status, const v1::GetProductResponse&) {
        if (status.ok()) found.insert(i / each);
        return found.size() == ids.size();
      });
  VITRINE_RETURN_IF_ERROR(call.Check());
  for (size_t p = 0; p < ids.size(); ++p) {
    Shortfall shortfall(partitions, /*require_complete=*/false, &facts);
    FoundProduct& product = products[p];
    absl::Status unknown;
    for (size_t i = p * each; i < (p + 1) * each; ++i) {
      auto& answer = answers[i];
      if (answer.status.ok()) {
        product.owner = answer.backend;
        product.product = std::move(*answer.response.mutable_product());
        break;
      }
      if (absl::IsNotFound(answer.status)) {
        unknown = answer.status;
      } else if (found.size() < ids.size()) {
        VITRINE_RETURN_IF_ERROR(shortfall.Add(answer.backend, answer.status));
      }
    }
    if (product.owner == nullptr) {
      if (!shortfall.missing().empty() || unknown.ok()) {
        return shortfall.Unavailable(absl::StrCat(
            "product '", ids[p],
            "' is in no partition that can be asked; missing are "));
      }
      return WithField(unknown, fields[p]);
    }
    std::vector<ProductPicture> pictures;
    for (const v1::ProductImage& image : product.product.images()) {
      pictures.push_back(
          {image.key(),
           {image.vector().values().begin(), image.vector().values().end()}});
      if (TotalDim(facts.blocks) != image.vector().values_size()) {
        return absl::InternalError(absl::StrCat(
            product.owner->name(), " has answered with vectors of ",
            image.vector().values_size(), " numbers for model ", facts.model));
      }
      product.sha256s.push_back(absl::HexStringToBytes(image.sha256()));
    }
    VITRINE_ASSIGN_OR_RETURN(
        product.vector,
        MeanOfPictures(facts.blocks, ids[p], fields[p], std::move(pictures)));
  }
  return products;
}

absl::StatusOr<std::vector<FoundPicture>> EmbedExamples(
    const Partitions& partitions, const VectorFacts& facts,
    std::string_view model, const std::vector<const v1::ImageInput*>& pictures,
    const std::vector<std::string>& fields, const Call& call,
    v1::Timings* timings) {
  std::vector<FoundPicture> found(pictures.size());
  if (pictures.empty()) return found;
  v1::EmbedRequest request;
  request.set_model(std::string(model));
  for (const v1::ImageInput* picture : pictures)
    *request.add_images() = *picture;
  VITRINE_ASSIGN_OR_RETURN(const v1::EmbedResponse response,
                           EmbedBy(partitions, facts, request, call));
  timings->set_decode_ms(response.timings().decode_ms());
  timings->set_embed_ms(response.timings().embed_ms());
  for (int i = 0; i < response.items_size(); ++i) {
    const v1::EmbedResponse::Item& item = response.items(i);
    const auto p = static_cast<size_t>(i);
    if (item.has_error()) return ErrorOfItem(item.error(), i, fields[p]);
    found[p].vector.assign(item.vector().values().begin(),
                           item.vector().values().end());
    if (!pictures[p]->has_region()) {
      const Sha256Digest digest = Sha256(pictures[p]->content());
      found[p].sha256.assign(digest.begin(), digest.end());
    }
  }
  return found;
}

}  // namespace vitrine
