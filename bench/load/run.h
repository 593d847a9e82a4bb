// SPDX-License-Identifier: Apache-2.0
// One run: starts the loops, sets the plan's points in time, shows progress, reads the server's
// usage, and adds everything up. In: Options.   Out: a Report. Owner: main().
#pragma once

#include "bench/load/options.h"
#include "bench/load/server_usage.h"
#include "bench/load/stats.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gh::load {

struct Sample {        // of the load over time
  double seconds = 0;  // since the measured window began; negative: warm-up
  double rate = 0;     // operations a second
  double errors = 0;   // a second
  double under_way = 0;
};

// Everything that a run has to say. Times in ns, memory in bytes.
struct Report {
  Tally total;
  // --expected-interval: what was measured; total.latency is then the corrected copy.
  std::optional<Histogram> uncorrected;
  double seconds = 0;  // the measured window
  std::vector<Sample> samples;
  std::uint64_t standing = 0;       // connections or watches up at the end
  std::optional<ServerUsage> used;  // in the window
  bool cpu_is_of_operations = true;
  std::optional<double> memory_each;  // more than before the run, a connection
  std::string started;                // RFC 3339
  std::string machine;
  std::string trouble;   // why it could not run
  bool gave_up = false;  // it ran, and nothing ever worked
  bool interrupted = false;

  double rate() const noexcept {
    return seconds > 0 ? static_cast<double>(total.done) / seconds : 0;
  }

  std::optional<double> cpu_each() const noexcept;
  // By the name an expectation uses; nothing when it was not measured.
  std::optional<double> figure(std::string_view name) const;
};

struct Verdict {
  Expectation expectation;
  std::optional<double> measured;
  bool held = false;
};

std::vector<Verdict> judge(const Options& options, const Report& report);

// 0, 1 or 3, as --help says.
int exit_code(const Options& options, const Report& report, const std::vector<Verdict>& verdicts);

Outcome<Report> run(const Options& options);  // Fault: the settings cannot be used

}  // namespace gh::load
