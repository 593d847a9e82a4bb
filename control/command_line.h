// SPDX-License-Identifier: Apache-2.0
// The command line of `gatehouse` as plain data. Wraps CLI11.
// In: argv.   Out: which command with what was given, or what is wrong with it (exit code 2).
// Owner: main(). Not here: the meaning of option values (options.h), the help text (help.h).
#pragma once

#include "base/result.h"
#include "control/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gh::control {

enum class Command : std::uint8_t {
  help,
  version,
  serve,
  check,
  explain,
  diff,
  shadow_report,
  verify,
  conformance
};

struct ExplainArguments {
  std::vector<std::string> policy;
  bool bootstrap = false;               // --bootstrap-policy
  std::vector<std::string> modes;       // --authorization-mode, as given
  std::vector<std::string> node_graph;  // for mode Node
  std::string user;
  std::vector<std::string> groups;
  bool add_authenticated = true;  // the group system:authenticated, as the server adds it
  std::string verb;
  std::optional<std::string> resource;  // RESOURCE[.GROUP][/SUB]
  std::optional<std::string> path;      // instead of a resource
  std::string name_space;
  std::string name;
  std::string field_selector;  // as in a request, decoded
};

struct DiffArguments {
  std::string before;
  std::string after;
  bool bootstrap = false;  // Kubernetes' defaults are beneath both
  bool json = false;
};

struct ShadowReportArguments {
  enum class Output : std::uint8_t { text, json, yaml };

  std::vector<std::string> files;  // "-": standard input
  Output output = Output::text;
};

struct VerifyArguments {
  std::string ca_file;
  std::string chain_file;
  std::int64_t time = 0;
  std::string purpose;  // client, server
  std::string name;     // DNS:x, IP:x or empty
};

struct CommandLine {
  Command command = Command::help;
  std::string help_topic;         // help: a command's name, "man", "bash", or empty for all
  std::vector<Setting> settings;  // serve, check
  ExplainArguments explain;
  DiffArguments diff;
  ShadowReportArguments shadow_report;
  VerifyArguments verify;
  std::string conformance_kind;
  std::string conformance_file;
};

// An error is a text for standard error.
Result<CommandLine, std::string> parse_command_line(int argc, const char* const* argv);

}  // namespace gh::control
