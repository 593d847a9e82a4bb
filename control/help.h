// SPDX-License-Identifier: Apache-2.0
// What `gatehouse` says about itself: --help, the man page and bash completion, all from the list
// in options.h.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace gh::control {

struct Argument {
  std::string_view flags;  // "-n, --namespace NS"
  std::string_view help;
};

struct CommandHelp {
  std::string_view name;
  std::string_view usage;  // after "gatehouse NAME"
  std::string_view summary;
  std::string_view text;
  std::span<const Argument> arguments;  // serve and check: empty, they have options()
};

std::span<const CommandHelp> commands();
std::span<const std::string_view> command_names();

std::string help_text(std::string_view command);  // empty: the overview
std::string man_page();
std::string bash_completion();

}  // namespace gh::control
