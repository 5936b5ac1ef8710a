#include "clients/cli/progress.h"

#include <algorithm>
#include <cmath>

#include "clients/cli/text.h"

namespace vitrine::cli {

std::string FormatProgress(int64_t done, std::optional<int64_t> total,
                           int64_t failed, double elapsed_s,
                           std::string_view noun) {
  std::string text = FormatCount(done);
  if (total) text += " of " + FormatCount(*total);
  text += " " + std::string(noun);
  double rate = elapsed_s > 0 ? static_cast<double>(done) / elapsed_s : 0;
  if (rate > 0) {
    text +=
        ", " +
        (rate < 10 ? FormatNumber(rate, 2) : FormatCount(std::llround(rate))) +
        "/s";
    if (total && *total > done) {
      text += ", " + FormatSeconds(static_cast<double>(*total - done) / rate) +
              " left";
    }
  }
  if (failed > 0) text += ", " + FormatCount(failed) + " failed";
  return text;
}

Progress::Progress(std::ostream& err, Mode mode, std::optional<int64_t> total,
                   std::string noun)
    : err_(err), mode_(mode), total_(total), noun_(std::move(noun)) {}

Progress::~Progress() {
  if (mode_ == Mode::kOff || done_ == 0) return;
  if (mode_ == Mode::kTerminal && !shown_before_) return;
  Show();
  if (mode_ == Mode::kTerminal) err_ << "\n" << std::flush;
}

void Progress::Update(int64_t done, int64_t failed) {
  done_ = done;
  failed_ = failed;
  std::chrono::milliseconds pause(5000);
  if (mode_ == Mode::kTerminal) pause /= shown_before_ ? 50 : 5;
  if (mode_ == Mode::kOff || Clock::now() - shown_ < pause) return;
  Show();
}

void Progress::Clear() {
  if (on_screen_) err_ << "\r\x1b[K" << std::flush;
  on_screen_ = false;
}

void Progress::Show() {
  shown_ = Clock::now();
  shown_before_ = true;
  double elapsed_s = std::chrono::duration<double>(shown_ - start_).count();
  Clear();
  err_ << FormatProgress(done_, total_, failed_, elapsed_s, noun_);
  if (mode_ == Mode::kLines) err_ << "\n";
  err_ << std::flush;
  on_screen_ = mode_ == Mode::kTerminal;
}

}  // namespace vitrine::cli
