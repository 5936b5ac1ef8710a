#include "clients/eval/evaluation.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <mutex>

#include "absl/strings/str_cat.h"
#include "clients/eval/extractor.h"
#include "clients/eval/self_retrieval.h"
#include "clients/eval/speed.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/vector/blocks.h"

namespace vitrine::eval {
namespace {

namespace fs = std::filesystem;

int Threads(const EvalOptions& options) {
  return options.threads > 0 ? options.threads : AvailableCores();
}

Configuration Compare(const EvalOptions& options, const EvalSet& set,
                      const Vectors& vectors, const OtherViews& views,
                      const BlockChoice& choice, Normalise normalise,
                      Metric metric, const std::function<void()>& ranked) {
  const Rows rows(metric, Scaled(vectors, choice, normalise),
                  TotalDim(choice.blocks), normalise == Normalise::kUnit);
  const RankingRules rules{.usable = vectors.usable,
                           .cross_sender = options.cross_sender,
                           .depth = options.ks.back(),
                           .threads = Threads(options),
                           .ranked = ranked};
  std::vector<std::vector<QueryAnswer>> answers = RankAll(set, rows, rules);
  Configuration configuration{choice.name, normalise, metric, {}, {}, {}};
  for (size_t t = 0; t < answers.size(); ++t) {
    std::vector<Figure> figures =
        FiguresOf(set, set.tasks[t], answers[t], options.ks, t == 0);
    configuration.figures.insert(configuration.figures.end(), figures.begin(),
                                 figures.end());
  }
  configuration.answers = std::move(answers.front());
  if (!views.photos.empty()) {
    configuration.self_retrieval =
        FoundFirst(set, vectors.usable, rows, views,
                   Scaled(views.vectors, choice, normalise), Threads(options));
  }
  return configuration;
}

// What a model makes of the photos of a set.
struct Embedded {
  ExtractorResult result;
  Vectors vectors;
  OtherViews views;
};

absl::StatusOr<Embedded> EmbedWith(const EvalOptions& options,
                                   const EvalSet& set, const fs::path& model,
                                   cli::Progress::Mode mode) {
  VITRINE_ASSIGN_OR_RETURN(const std::unique_ptr<Embedder> embedder,
                           LoadTorchEmbedder(model, Threads(options)));
  const ModelCard& card = embedder->card();
  Embedded embedded;
  ExtractorResult& result = embedded.result;
  result.name = card.name;
  result.card_name = card.name;
  result.origin = card.origin;
  result.trained_on = card.trained_on;
  result.file = model;
  result.sha256 = card.id;
  std::error_code error;
  result.bytes = fs::file_size(model, error);
  result.dim = card.dim();

  const int n = static_cast<int>(set.photos.size());
  {
    cli::Progress progress(std::cerr, mode, n, "photos by " + card.name);
    const PixelsFn pixels = [&](int i) -> absl::StatusOr<std::vector<uint8_t>> {
      VITRINE_ASSIGN_OR_RETURN(
          const Image image,
          ReadPhoto(*set.catalog, set.photos[i].path, card.input_size));
      return SquareImage(image, card.resize, card.input_size);
    };
    VITRINE_ASSIGN_OR_RETURN(
        embedded.vectors,
        EmbedAll(*embedder, n, Threads(options), pixels, &progress));
  }
  if (options.views > 0) {
    VITRINE_ASSIGN_OR_RETURN(
        embedded.views,
        EmbedOtherViews(set, options.views, *embedder, Threads(options), mode));
  }
  return embedded;
}

// Fills in the configurations of the models: each choice of blocks, each
// scaling, each metric.
void CompareAll(const EvalOptions& options, const EvalSet& set,
                std::vector<Embedded>& models, cli::Progress::Mode mode) {
  const auto askers =
      static_cast<int64_t>(AskersOf(set, models.front().vectors.usable).size());
  int64_t total = 0;
  for (const Embedded& model : models) {
    total += askers * static_cast<int64_t>(
                          BlockChoices(model.vectors.blocks).size() *
                          options.normalise.size() * options.metrics.size());
  }
  cli::Progress progress(std::cerr, mode, total, "queries ranked");
  std::mutex mutex;
  int64_t done = 0;
  const auto ranked = [&] {
    std::lock_guard lock(mutex);
    progress.Update(++done, 0);
  };
  for (Embedded& model : models) {
    for (const BlockChoice& choice : BlockChoices(model.vectors.blocks)) {
      for (Normalise normalise : options.normalise) {
        for (Metric metric : options.metrics) {
          model.result.configurations.push_back(
              Compare(options, set, model.vectors, model.views, choice,
                      normalise, metric, ranked));
        }
      }
    }
  }
}

// Models are compared on the photos that all of them have read: a catalogue may
// change meanwhile.
std::vector<bool> ReadByAll(const std::vector<Embedded>& models, size_t n) {
  std::vector<bool> usable(n, true);
  for (const Embedded& model : models) {
    for (size_t i = 0; i < n; ++i) {
      usable[i] = usable[i] && model.vectors.usable[i];
    }
  }
  return usable;
}

// Models of one name are told apart by their files' names, or by the whole
// paths where those are alike too.
void MakeNamesUnique(std::vector<ExtractorResult>& extractors) {
  const std::vector<std::function<std::string(const fs::path&)>> words = {
      [](const fs::path& file) { return file.stem().string(); },
      [](const fs::path& file) { return file.string(); }};
  for (const auto& word : words) {
    std::map<std::string, int> count;
    for (const ExtractorResult& extractor : extractors) ++count[extractor.name];
    for (ExtractorResult& extractor : extractors) {
      if (count[extractor.name] == 1) continue;
      absl::StrAppend(&extractor.name, " (", word(extractor.file), ")");
    }
  }
}

}  // namespace

absl::Status CheckModels(const EvalOptions& options) {
  for (const fs::path& model : options.models) {
    std::error_code error;
    if (!fs::is_regular_file(model, error)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "--model: ", model.string(),
          fs::exists(model, error) ? " is no regular file" : " is not there",
          "; models/vitrine-lite0.pt comes with Vitrine, and `python3 -m "
          "vitrine_models export` makes others"));
    }
    // A bad one is told before the others have worked for nothing.
    VITRINE_RETURN_IF_ERROR(LoadTorchEmbedder(model, 1).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<EvalResult> Evaluate(const EvalOptions& options,
                                    const EvalSet& set,
                                    cli::Progress::Mode progress) {
  const auto start = std::chrono::steady_clock::now();
  EvalResult result;
  result.facts = CollectRunFacts(options.command, Threads(options));
  std::vector<Embedded> models;
  for (const fs::path& model : options.models) {
    VITRINE_ASSIGN_OR_RETURN(Embedded embedded,
                             EmbedWith(options, set, model, progress));
    models.push_back(std::move(embedded));
  }
  const std::vector<bool> usable = ReadByAll(models, set.photos.size());
  result.refused = std::count(usable.begin(), usable.end(), false);
  VITRINE_RETURN_IF_ERROR(
      CheckAnswerable(options, set, usable, &result.warnings));
  for (size_t i = 0; i < usable.size(); ++i) {
    result.gallery += usable[i] && set.tasks.front().label[i] >= 0;
  }
  for (Embedded& model : models) {
    model.vectors.usable = usable;
    model.result.views = static_cast<int>(
        std::count_if(model.views.photos.begin(), model.views.photos.end(),
                      [&usable](int photo) { return usable[photo]; }));
    if (model.result.views == 0) model.views.photos.clear();
  }
  CompareAll(options, set, models, progress);
  for (Embedded& model : models) {
    result.extractors.push_back(std::move(model.result));
  }
  MakeNamesUnique(result.extractors);
  if (options.speed) {
    const int threads = Threads(options);
    const auto turns = static_cast<int64_t>(options.models.size()) *
                       SpeedPlan().rounds * (threads == 1 ? 1 : 2);
    cli::Progress line(std::cerr, progress, turns, "timings");
    VITRINE_ASSIGN_OR_RETURN(auto rates,
                             MeasureSpeed(
                                 options.models, threads,
                                 [](const fs::path& model, int used) {
                                   return LoadTorchEmbedder(model, used);
                                 },
                                 &line));
    for (size_t i = 0; i < rates.size(); ++i) {
      result.extractors[i].rates = std::move(rates[i]);
    }
  }
  result.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return result;
}

}  // namespace vitrine::eval
