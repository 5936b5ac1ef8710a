// The only file that includes Torch, whose headers define macros that clash
// with others'.
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <malloc.h>
#include <time.h>
#include <torch/script.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/status.h"
#include "common/base/thread_pool.h"
#include "common/model/embedder.h"
#include "common/model/probe.h"
#include "common/vector/cpu.h"

namespace vitrine {
namespace {

namespace jit = torch::jit;

constexpr uint64_t kMaxBundleBytes = 2ull << 30;
// Pictures that run through the module together. More gain nothing: a thread's
// activations have long left its caches, and only memory grows.
constexpr int kChunk = 4;
constexpr int kTimedRounds = 2;
// The smallest cosine between a variant and the plain module, and between a
// picture's vector alone and in a batch.
constexpr double kVariantCosine = 0.9999;
constexpr double kBatchCosine = 0.99999;
constexpr double kBfloat16Cosine = 0.9995;

// A module's activations come and go by the megabyte. By default each is
// mapped, faulted in and unmapped anew, which costs up to a third of the time;
// kept in the heap they are reused. And OpenBLAS's own threads spin between
// calls, on the cores that the other workers need.
void PrepareProcess() {
  static const bool prepared = [] {
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    using SetThreads = void (*)(int);
    if (auto set_threads = reinterpret_cast<SetThreads>(
            dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))) {
      set_threads(1);
    }
    at::set_num_threads(1);
    return true;
  }();
  (void)prepared;
}

// The first line of an exception's text that says something: c10 appends stack
// traces.
std::string FirstLine(const std::exception& error) {
  std::string_view text = error.what();
  if (auto* torch_error = dynamic_cast<const c10::Error*>(&error)) {
    text = torch_error->what_without_backtrace();
  }
  // The interpreter puts the cause last, below the script's own trace.
  constexpr std::string_view kCause = "RuntimeError: ";
  if (size_t cause = text.rfind(kCause); cause != text.npos) {
    text.remove_prefix(cause + kCause.size());
  }
  text.remove_prefix(std::min(text.find_first_not_of('\n'), text.size()));
  return std::string(text.substr(0, std::min(text.find('\n'), size_t{300})));
}

// Runs the module on n pictures; throws what Torch throws.
at::Tensor Forward(jit::Module& module, const uint8_t* pixels, int n,
                   int size) {
  c10::InferenceMode guard;
  at::Tensor input = torch::from_blob(const_cast<uint8_t*>(pixels),
                                      {n, size, size, 3}, torch::kByte);
  jit::IValue output = module.forward({input});
  if (!output.isTensor()) {
    throw std::runtime_error("it returned a " + output.tagKind() +
                             " instead of a tensor");
  }
  return output.toTensor();
}

std::string ShapeOf(const at::Tensor& tensor) {
  std::ostringstream text;
  text << tensor.sizes();
  return text.str();
}

// Thread CPU time, which other processes disturb less than the clock on the
// wall. All of a worker's work is done on its own thread.
double ThreadSeconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec + now.tv_nsec * 1e-9;
}

// A module made ready to run, and what its trial gave.
struct Candidate {
  EmbedVariant variant;
  jit::Module module;
  std::vector<float> vectors;  // kChunk × dim, of the probe pictures.
  double seconds = HUGE_VAL;   // The best of a chunk, where it was timed.
};

// What decides which variant is the fastest.
std::string Machine() {
  return absl::StrCat("LibTorch ", TORCH_VERSION, " on ", CpuBrand());
}

std::string RateOf(const Candidate& candidate) {
  return std::isfinite(candidate.seconds)
             ? absl::StrFormat(", %.1f pictures a second of CPU",
                               kChunk / candidate.seconds)
             : "";
}

jit::Module Prepare(const jit::Module& base, EmbedVariant variant) {
  jit::Module module = base;
  if (variant == EmbedVariant::kChannelsLast) {
    // A copy: frozen modules share the tensors of the one they came from.
    module = base.deepcopy();
    for (at::Tensor parameter : module.parameters()) {
      if (parameter.dim() == 4) {
        parameter.set_data(
            parameter.contiguous(at::MemoryFormat::ChannelsLast));
      }
    }
  }
  if (variant == EmbedVariant::kOptimized) {
    return jit::optimize_for_inference(module);
  }
  return jit::freeze(module);
}

// Runs the probe pictures, together and each alone, and checks what comes.
absl::Status Try(Candidate& candidate, const std::vector<uint8_t>& probe,
                 const ModelCard& card) {
  const int dim = card.dim();
  const size_t picture_bytes = size_t(card.input_size) * card.input_size * 3;
  auto run = [&](const uint8_t* pixels, int n, float* out) -> absl::Status {
    at::Tensor output;
    try {
      output = Forward(candidate.module, pixels, n, card.input_size);
    } catch (const std::exception& error) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the model fails on ", n, " pictures of ", card.input_size, " x ",
          card.input_size, " pixels: ", FirstLine(error),
          "; it must take uint8 [N, ", card.input_size, ", ", card.input_size,
          ", 3] for any N"));
    }
    if (output.dim() != 2 || output.size(0) != n || output.size(1) != dim) {
      return absl::InvalidArgumentError(absl::StrCat(
          "for ", n, " pictures the model returned the shape ", ShapeOf(output),
          "; its card's blocks add up to [", n, ", ", dim, "]"));
    }
    bool half = card.precision == "bfloat16" &&
                output.scalar_type() == torch::kBFloat16;
    if (output.scalar_type() != torch::kFloat && !half) {
      return absl::InvalidArgumentError(absl::StrCat(
          "the model returned ", c10::toString(output.scalar_type()),
          " numbers; float32 (Float) is right"));
    }
    output = output.to(torch::kFloat).contiguous();
    std::copy_n(output.data_ptr<float>(), size_t(n) * dim, out);
    for (int64_t i = 0; i < int64_t(n) * dim; ++i) {
      if (!std::isfinite(out[i])) {
        return absl::InvalidArgumentError(
            absl::StrCat("the model returned ", out[i], " as number ", i % dim,
                         " of a vector; only finite numbers are right"));
      }
    }
    return absl::OkStatus();
  };
  candidate.vectors.resize(size_t(kChunk) * dim);
  VITRINE_RETURN_IF_ERROR(run(probe.data(), kChunk, candidate.vectors.data()));
  std::vector<float> alone(candidate.vectors.size());
  for (int i = 0; i < kChunk; ++i) {
    VITRINE_RETURN_IF_ERROR(
        run(&probe[i * picture_bytes], 1, &alone[size_t(i) * dim]));
  }
  double limit = card.precision == "bfloat16" ? kBfloat16Cosine : kBatchCosine;
  double cosine = MinCosine(alone, candidate.vectors, dim);
  if (!(cosine >= limit)) {
    return absl::InvalidArgumentError(absl::StrFormat(
        "a picture's vector depends on the other pictures of its batch "
        "(cosine %.6f; at least %g is right): export the model in eval mode",
        cosine, limit));
  }
  return absl::OkStatus();
}

class TorchEmbedder : public Embedder {
 public:
  TorchEmbedder(std::filesystem::path path, ModelCard card,
                const Candidate& chosen, int threads)
      : path_(std::move(path)),
        card_(std::move(card)),
        module_(chosen.module),
        threads_(threads),
        trial_{chosen.variant,
               {chosen.vectors.begin(), chosen.vectors.begin() + card_.dim()},
               Machine()},
        description_(absl::StrCat(
            card_.name, " ", card_.version, ", ",
            std::string(EmbedVariantName(chosen.variant)), ", ", threads,
            threads == 1 ? " thread" : " threads", RateOf(chosen))) {
    if (threads > 1) pool_ = std::make_unique<ThreadPool>(threads - 1);
  }

  const ModelCard& card() const override { return card_; }
  const std::filesystem::path& bundle_path() const override { return path_; }
  int preferred_batch() const override { return kChunk * threads_; }
  std::string description() const override { return description_; }
  EmbedTrial trial() const override { return trial_; }

  // The batch is cut into chunks that the workers, the caller among them, take
  // as they come free. Each chunk runs on one thread: Torch's own threads would
  // wait for each other at every layer, and stall where cores are shared.
  absl::Status Embed(const uint8_t* pixels, int n, float* out) override {
    if (n <= 0) return absl::OkStatus();
    const int even = (n + threads_ - 1) / threads_;
    Work work{pixels, out, n, std::min(kChunk, even), 0, 0, {}, {}, {}};
    const int chunks = (n + work.chunk - 1) / work.chunk;
    const int helpers = std::min(threads_, chunks) - 1;
    work.running = helpers;
    for (int i = 0; i < helpers; ++i) {
      pool_->Schedule([this, &work] {
        RunChunks(work);
        std::lock_guard lock(work.mutex);
        if (--work.running == 0) work.done.notify_one();
      });
    }
    RunChunks(work);
    std::unique_lock lock(work.mutex);
    work.done.wait(lock, [&] { return work.running == 0; });
    return work.status;
  }

 private:
  struct Work {
    const uint8_t* pixels;
    float* out;
    int n;
    int chunk;
    int next;     // The first picture that no worker has taken.
    int running;  // Workers besides the caller.
    absl::Status status;
    std::mutex mutex;
    std::condition_variable done;
  };

  void RunChunks(Work& work) {
    // Hands the process's setting to this thread's OpenMP.
    at::init_num_threads();
    for (;;) {
      int first = 0;
      {
        std::lock_guard lock(work.mutex);
        if (work.next >= work.n || !work.status.ok()) return;
        first = std::exchange(work.next, work.next + work.chunk);
      }
      absl::Status status = RunChunk(work, first);
      std::lock_guard lock(work.mutex);
      work.status.Update(status);
    }
  }

  absl::Status RunChunk(const Work& work, int first) try {
    c10::InferenceMode guard;
    const int n = std::min(work.chunk, work.n - first);
    const size_t picture_bytes =
        size_t(card_.input_size) * card_.input_size * 3;
    at::Tensor output = Forward(module_, work.pixels + first * picture_bytes, n,
                                card_.input_size)
                            .to(torch::kFloat)
                            .contiguous();
    const size_t numbers = size_t(n) * card_.dim();
    if (size_t(output.numel()) != numbers) {
      return absl::InternalError(
          absl::StrCat("for ", n, " pictures the model returned the shape ",
                       ShapeOf(output)));
    }
    const float* values = output.data_ptr<float>();
    if (!std::all_of(values, values + numbers,
                     [](float value) { return std::isfinite(value); })) {
      return absl::InternalError(
          "the model returned a number that is not finite");
    }
    std::copy_n(values, numbers, work.out + size_t(first) * card_.dim());
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::InternalError(
        absl::StrCat("the model fails: ", FirstLine(error)));
  }

  const std::filesystem::path path_;
  const ModelCard card_;
  jit::Module module_;
  const int threads_;
  const EmbedTrial trial_;
  const std::string description_;
  std::unique_ptr<ThreadPool> pool_;
};

// Whether two variants give the same vectors.
bool Agree(const std::vector<float>& a, const std::vector<float>& b, int dim) {
  return MinCosine(a, b, dim) >= kVariantCosine;
}

// The variant of an earlier trial, where it runs here as it did then.
std::optional<Candidate> AsTried(const jit::Module& base, const ModelCard& card,
                                 const EmbedTrial& trial,
                                 const std::vector<uint8_t>& probe) {
  const auto dim = static_cast<size_t>(card.dim());
  if (trial.variant == EmbedVariant::kFastest || trial.vector.size() != dim ||
      trial.machine != Machine()) {
    return std::nullopt;
  }
  try {
    Candidate candidate{trial.variant, Prepare(base, trial.variant), {}};
    if (!Try(candidate, probe, card).ok()) return std::nullopt;
    const std::vector<float> first(candidate.vectors.begin(),
                                   candidate.vectors.begin() + card.dim());
    if (Agree(first, trial.vector, card.dim())) return candidate;
  } catch (const std::exception&) {
    // It does not run as it did.
  }
  return std::nullopt;
}

// The variants that were asked for and that agree with the plain module; the
// plain module's own error where it fails.
absl::StatusOr<std::vector<Candidate>> Candidates(
    const jit::Module& base, const ModelCard& card, EmbedVariant wanted,
    const std::vector<uint8_t>& probe) {
  std::vector<Candidate> candidates;
  candidates.push_back(
      {EmbedVariant::kFrozen, Prepare(base, EmbedVariant::kFrozen), {}});
  VITRINE_RETURN_IF_ERROR(Try(candidates.front(), probe, card));
  for (EmbedVariant variant :
       {EmbedVariant::kOptimized, EmbedVariant::kChannelsLast}) {
    if (wanted != EmbedVariant::kFastest && wanted != variant) continue;
    try {
      Candidate candidate{variant, Prepare(base, variant), {}};
      if (!Try(candidate, probe, card).ok()) continue;
      if (!Agree(candidate.vectors, candidates.front().vectors, card.dim()))
        continue;
      if (wanted == variant) candidates.clear();
      candidates.push_back(std::move(candidate));
    } catch (const std::exception&) {
      // A pass of Torch that cannot treat this module: the others remain.
    }
  }
  return candidates;
}

// Rounds alternate between the candidates, so that what else the machine does
// falls on all of them.
Candidate Fastest(std::vector<Candidate> candidates,
                  const std::vector<uint8_t>& probe, int size) {
  for (int round = 0; round < kTimedRounds; ++round) {
    for (Candidate& candidate : candidates) {
      double start = ThreadSeconds();
      Forward(candidate.module, probe.data(), kChunk, size);
      candidate.seconds = std::min(candidate.seconds, ThreadSeconds() - start);
    }
  }
  return *std::min_element(candidates.begin(), candidates.end(),
                           [](const Candidate& a, const Candidate& b) {
                             return a.seconds < b.seconds;
                           });
}

absl::StatusOr<std::unique_ptr<Embedder>> Load(
    const std::filesystem::path& path, int threads, EmbedVariant variant,
    const EmbedTrial& trial, const CheckBundleFn& check) {
  VITRINE_ASSIGN_OR_RETURN(std::string bytes, ReadFile(path, kMaxBundleBytes));
  const std::string digest = ToHex(Sha256(bytes));
  if (check) {
    VITRINE_RETURN_IF_ERROR(check(digest));
  }
  jit::ExtraFilesMap extra{{"card.json", ""}};
  jit::Module base;
  try {
    std::istringstream stream(bytes);
    base = jit::load(stream, torch::kCPU, extra);
  } catch (const std::exception& error) {
    const std::string reason = FirstLine(error);
    return absl::InvalidArgumentError(absl::StrCat(
        "no TorchScript file that LibTorch ", TORCH_VERSION, " reads (", reason,
        absl::StartsWith(reason, "Unknown builtin op")
            ? "); a newer PyTorch made it: save it with vitrine_models, which "
              "writes operators that are known here"
            : "); make one with torch.jit.save"));
  }
  if (extra["card.json"].empty()) {
    return absl::InvalidArgumentError(
        "the bundle has no card: save it with card.json in its extra files");
  }
  VITRINE_ASSIGN_OR_RETURN(ModelCard card, ParseModelCard(extra["card.json"]));
  card.id = digest;
  base.eval();
  base.to(card.precision == "bfloat16" ? torch::kBFloat16 : torch::kFloat);

  std::vector<uint8_t> probe = ProbePictures(kChunk, card.input_size);
  std::optional<Candidate> chosen;
  if (variant == EmbedVariant::kFastest)
    chosen = AsTried(base, card, trial, probe);
  if (!chosen) {
    VITRINE_ASSIGN_OR_RETURN(std::vector<Candidate> candidates,
                             Candidates(base, card, variant, probe));
    chosen = Fastest(std::move(candidates), probe, card.input_size);
  }
  return std::make_unique<TorchEmbedder>(path, std::move(card), *chosen,
                                         std::max(1, threads));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Embedder>> LoadTorchEmbedder(
    const std::filesystem::path& path, int threads, EmbedVariant variant,
    const EmbedTrial& trial, const CheckBundleFn& check) try {
  PrepareProcess();
  auto embedder = Load(path, threads, variant, trial, check);
  if (!embedder.ok()) return Annotate(embedder.status(), path.string());
  return embedder;
} catch (const std::exception& error) {
  return absl::InvalidArgumentError(absl::StrCat(
      path.string(), ": the bundle cannot be made ready: ", FirstLine(error)));
}

}  // namespace vitrine
