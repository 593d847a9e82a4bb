// SPDX-License-Identifier: Apache-2.0
// gatehouse-load: parse, run, tell.
#include "bench/load/options.h"
#include "bench/load/report.h"
#include "bench/load/run.h"

#include <cstdio>
#include <exception>
#include <fstream>

namespace gh::load {
namespace {

constexpr int could_not_run = 3;

bool write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out.fail()) return true;
  std::fprintf(stderr, "gatehouse-load: %s cannot be written\n", path.c_str());
  return false;
}

int complain(const Fault& fault, int code) {
  std::fprintf(stderr, "gatehouse-load: %s\n", fault.to_string().c_str());
  return code;
}

int measure(const Options& options) {
  if (const auto room = make_room(options); !room) return complain(room.error(), could_not_run);
  const auto report = run(options);
  if (!report) return complain(report.error(), 2);
  const auto verdicts = judge(options, *report);
  const int code = exit_code(options, *report, verdicts);
  // With --json - standard output is the JSON's alone.
  if (!options.quiet)
    std::fputs(
        summary_text(options, *report, verdicts).c_str(), options.json == "-" ? stderr : stdout
    );
  if (options.quiet && !report->trouble.empty())
    std::fprintf(stderr, "gatehouse-load: %s\n", report->trouble.c_str());
  bool written = true;
  const std::string json = report_json(options, *report, verdicts);
  if (options.json == "-") {
    std::fputs(json.c_str(), stdout);
  } else if (!options.json.empty()) {
    written = write_file(options.json, json);
  }
  if (!options.html.empty())
    written = write_file(options.html, report_html(options, *report, verdicts)) && written;
  return written ? code : could_not_run;
}

int main_of(int argc, char** argv) {
  const auto parsed = parse_command_line(argc, argv);
  if (parsed.options) return measure(*parsed.options);
  std::fputs(parsed.text.c_str(), parsed.code == 0 ? stdout : stderr);
  return parsed.code;
}

}  // namespace
}  // namespace gh::load

int main(int argc, char** argv) {
  try {
    return gh::load::main_of(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gatehouse-load: %s\n", error.what());
    return 3;
  }
}
