// SPDX-License-Identifier: Apache-2.0
// A run told: to a person on a terminal, as JSON to a program (docs/load-testing.md has the
// schema), as a page with plots. In: Options, Report, verdicts.   Out: text. Pure.
#pragma once

#include "bench/load/run.h"

#include <array>
#include <string>
#include <vector>

namespace gh::load {

inline constexpr std::array percentiles = {50.0, 75.0, 90.0, 95.0, 99.0, 99.9, 99.99, 100.0};

std::string summary_text(
    const Options& options, const Report& report, const std::vector<Verdict>& verdicts
);
std::string report_json(
    const Options& options, const Report& report, const std::vector<Verdict>& verdicts
);
std::string report_html(
    const Options& options, const Report& report, const std::vector<Verdict>& verdicts
);

std::string percentile_name(double percent);  // "p99.9", "max"

}  // namespace gh::load
