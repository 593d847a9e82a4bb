// SPDX-License-Identifier: Apache-2.0
// gatehouse: from the command line to one of its commands.
#include "control/check_command.h"
#include "control/command_line.h"
#include "control/conformance/conformance.h"
#include "control/control_thread.h"
#include "control/diff_command.h"
#include "control/explain_command.h"
#include "control/help.h"
#include "control/shadow_report.h"
#include "control/suggest.h"
#include "control/version.h"
#include "tls/verify_command.h"

#include <array>
#include <cstdio>
#include <exception>
#include <iostream>

namespace gh::control {
namespace {

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

int run_help(const std::string& topic) {
  print(topic == "man" ? man_page() : topic == "bash" ? bash_completion() : help_text(topic));
  return 0;
}

int run_serve(const std::vector<Setting>& settings) {
  const Loaded loaded = load_config(settings);
  for (const Fault& problem : loaded.problems)
    std::fprintf(stderr, "gatehouse: %s\n", problem.to_string().c_str());
  return loaded.problems.empty() ? serve(loaded.config) : 1;
}

int run_verify(const VerifyArguments& given) {
  tls::VerifyArguments arguments;
  arguments.ca_file = given.ca_file;
  arguments.chain_file = given.chain_file;
  arguments.now = UnixTime{given.time};
  arguments.purpose = given.purpose == "server" ? tls::Purpose::server : tls::Purpose::client;
  arguments.name = given.name;
  return tls::verify_command(arguments, std::cout, std::cerr);
}

// Exit code 2: the file is not one of vectors, or the kind is not known.
int run_conformance(const std::string& kind, const std::string& file) {
  struct Judge {
    std::string_view kind;
    conformance::Tally (*judge)(const std::string& file, std::ostream& out);
  };

  constexpr Judge judges[] = {
      {"requestinfo", conformance::judge_requestinfo},
      {"rbac", conformance::judge_rbac},
      {"x509", conformance::judge_x509},
      {"headerrequest", conformance::judge_headerrequest},
      {"impersonation", conformance::judge_impersonation},
      {"nodeauthz", conformance::judge_nodeauthz},
      {"noderestriction", conformance::judge_noderestriction},
      {"tokens", conformance::judge_tokens},
  };
  std::array<std::string_view, std::size(judges)> kinds;
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    kinds[i] = judges[i].kind;
    if (kinds[i] != kind) continue;
    const conformance::Tally tally = judges[i].judge(file, std::cout);
    std::cout << tally.passed << " passed, " << tally.failed << " failed\n";
    return tally.unusable ? 2 : tally.failed > 0 ? 1 : 0;
  }
  std::cerr << "gatehouse: conformance: expected one of";
  for (const std::string_view one : kinds) std::cerr << " " << one;
  std::cerr << ", found \"" << kind << "\"" << did_you_mean(kind, kinds) << "\n";
  return 2;
}

int run(int argc, const char* const* argv) {
  const auto line = parse_command_line(argc, argv);
  if (!line) {
    std::fputs(line.error().c_str(), stderr);
    return 2;
  }
  switch (line->command) {
    case Command::help:
      return run_help(line->help_topic);
    case Command::version:
      print(version_text());
      return 0;
    case Command::serve:
      return run_serve(line->settings);
    case Command::check:
      return check_command(load_config(line->settings), std::cout, std::cerr);
    case Command::explain:
      return explain_command(line->explain, std::cout, std::cerr);
    case Command::diff:
      return diff_command(line->diff, std::cout, std::cerr);
    case Command::shadow_report:
      return shadow_report_command(line->shadow_report, std::cout, std::cerr);
    case Command::verify:
      return run_verify(line->verify);
    case Command::conformance:
      return run_conformance(line->conformance_kind, line->conformance_file);
  }
  return 2;
}

}  // namespace
}  // namespace gh::control

int main(int argc, char** argv) {
  try {
    return gh::control::run(argc, argv);
  } catch (const std::exception& error) {  // out of memory and the like, before or after serving
    std::fprintf(stderr, "gatehouse: %s\n", error.what());
    return 1;
  }
}
