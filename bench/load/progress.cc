// SPDX-License-Identifier: Apache-2.0
#include "bench/load/progress.h"

#include "bench/load/run.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace gh::load {
namespace {

constexpr std::size_t bar_width = 30;

std::string bar_of(double share) {
  const auto full = static_cast<std::size_t>(std::clamp(share, 0.0, 1.0) * bar_width + 0.5);
  std::string out;
  for (std::size_t i = 0; i < bar_width; ++i) out += i < full ? "█" : "░";
  return out;
}

}  // namespace

Progress::Progress(const Options& options)
    : options_(options), terminal_(isatty(STDERR_FILENO) == 1) {}

bool Progress::time_for_a_line() {
  const Instant now = monotonic_now();
  if (terminal_) return true;
  if (now < next_line_) return false;
  next_line_ = now + std::chrono::seconds(1);
  return true;
}

void Progress::show_opening(std::uint64_t ready, std::uint64_t wanted, std::uint64_t failed) {
  if (options_.quiet || !time_for_a_line()) return;
  const auto number = [](std::uint64_t n) { return std::to_string(n); };
  const std::string text = "opening: " + number(ready) + " of " + number(wanted) + ", " +
                           number(failed) + (failed == 1 ? " error" : " errors");
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  drawn_ = true;
  const double share = static_cast<double>(ready) / static_cast<double>(wanted);
  std::fprintf(stderr, "\r\033[K%s %s", bar_of(share).c_str(), text.c_str());
}

void Progress::show(const Sample& sample, std::uint64_t done, std::uint64_t failed) {
  if (options_.quiet || !time_for_a_line()) return;
  const double total = static_cast<double>(options_.duration.count()) / 1e9;
  const double share =
      options_.mode == Mode::storm
          ? static_cast<double>(done + failed) / static_cast<double>(options_.connections)
      : options_.requests > 0 ? static_cast<double>(done) / static_cast<double>(options_.requests)
                              : sample.seconds / total;
  char text[160];
  std::snprintf(
      text,
      sizeof text,
      "%s%.1f s  %.0f/s  %llu done  %llu errors  %.0f under way",
      sample.seconds < 0 ? "warm-up " : "",
      sample.seconds,
      sample.rate,
      static_cast<unsigned long long>(done),
      static_cast<unsigned long long>(failed),
      sample.under_way
  );
  if (!terminal_) {
    std::fprintf(stderr, "%s\n", text);
    return;
  }
  drawn_ = true;
  std::fprintf(stderr, "\r\033[K%s %s", bar_of(share).c_str(), text);
}

void Progress::clear() {
  if (drawn_) std::fputs("\r\033[K", stderr);
  drawn_ = false;
}

}  // namespace gh::load
