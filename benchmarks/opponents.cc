#include "benchmarks/opponents.h"

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "benchmarks/programs.h"
#include "common/base/status.h"
#include "nlohmann/json.hpp"

namespace vitrine {
namespace {

void WriteFloats(std::ofstream& file, std::span<const float> floats) {
  file.write(reinterpret_cast<const char*>(floats.data()),
             static_cast<std::streamsize>(floats.size_bytes()));
}

}  // namespace

Opponents::Opponents(ScratchFolder scratch,
                     std::unique_ptr<ChildProcess> process, size_t queries,
                     int k)
    : scratch_(std::move(scratch)),
      process_(std::move(process)),
      queries_(queries),
      k_(k) {}

absl::StatusOr<std::unique_ptr<Opponents>> Opponents::Start(
    const std::filesystem::path& python, const std::string& library,
    std::span<const float> rows, const std::vector<std::vector<float>>& queries,
    int k, const std::vector<int>& ms) {
  VITRINE_ASSIGN_OR_RETURN(ScratchFolder scratch, ScratchFolder::Make());
  const std::filesystem::path rows_file = scratch.path() / "rows";
  const std::filesystem::path queries_file = scratch.path() / "queries";
  std::ofstream file(rows_file, std::ios::binary);
  WriteFloats(file, rows);
  file.close();
  std::ofstream asked(queries_file, std::ios::binary);
  for (const std::vector<float>& query : queries) WriteFloats(asked, query);
  asked.close();
  if (!file || !asked) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the rows cannot be written to ", scratch.path().string(),
                     "; name a folder with more room in TMPDIR"));
  }
  std::vector<std::string> argv = {python.string(),
                                   BenchScript("opponents.py").string(),
                                   library,
                                   rows_file.string(),
                                   queries_file.string(),
                                   absl::StrCat(queries.front().size()),
                                   absl::StrCat(k)};
  for (const int m : ms) argv.push_back(absl::StrCat(m));
  const std::string remedy = absl::StrCat(
      library, " does not run in ", python.string(),
      ": `./dev bench` makes it from PyPI, or name with --python an "
      "interpreter that has it");
  auto process = ChildProcess::Start(argv);
  if (!process.ok()) return absl::FailedPreconditionError(remedy);
  std::unique_ptr<Opponents> opponents(new Opponents(
      std::move(scratch), *std::move(process), queries.size(), k));
  for (;;) {
    const auto line = opponents->process_->ReadLine();
    if (!line.ok()) return absl::FailedPreconditionError(remedy);
    if (line->empty()) break;
    opponents->names_.push_back(nlohmann::json::parse(*line)["name"]);
  }
  return opponents;
}

absl::StatusOr<double> Opponents::Search(
    size_t index, int ef, std::vector<std::vector<uint32_t>>* answers) {
  VITRINE_RETURN_IF_ERROR(process_->Write(absl::StrCat(index, " ", ef, "\n")));
  VITRINE_ASSIGN_OR_RETURN(const std::string line, process_->ReadLine());
  const auto k = static_cast<size_t>(k_);
  std::vector<int32_t> found(queries_ * k);
  VITRINE_RETURN_IF_ERROR(
      process_->ReadBytes(found.data(), found.size() * sizeof found[0]));
  answers->resize(queries_);
  for (size_t q = 0; q < queries_; ++q) {
    (*answers)[q].clear();
    for (size_t i = q * k; i < (q + 1) * k; ++i) {
      // Where it found fewer, the rest is -1.
      if (found[i] >= 0) {
        (*answers)[q].push_back(static_cast<uint32_t>(found[i]));
      }
    }
  }
  return nlohmann::json::parse(line)["seconds"].get<double>();
}

}  // namespace vitrine
