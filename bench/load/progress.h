// SPDX-License-Identifier: Apache-2.0
// How far a run is, on standard error: a bar that is drawn anew on a terminal, a line a second
// elsewhere. In: counts.   Out: text. Owner: main().
#pragma once

#include "base/units.h"
#include "bench/load/options.h"

#include <cstdint>

namespace gh::load {

struct Sample;

class Progress {
 public:
  explicit Progress(const Options& options);

  void show_opening(std::uint64_t ready, std::uint64_t wanted, std::uint64_t failed);
  void show(const Sample& sample, std::uint64_t done, std::uint64_t failed);
  void clear();  // the bar goes; lines stay

 private:
  bool time_for_a_line();

  const Options& options_;
  bool terminal_;
  bool drawn_ = false;
  Instant next_line_{};
};

}  // namespace gh::load
